// Writing down what a live table holds.
import type { HeldTable } from './held.ts';
import {
  countItems,
  digestOf,
  keyOf,
  mayCount,
  readItem,
  sampleItems,
  shapeOf,
  type TablePlace,
} from './table.ts';

/** As many items as a record keeps. */
const MOST_SAMPLES = 64;
/** Of these, as many that the previous record has as well. */
const MOST_KEPT = 40;

/** What the table holds now; `before` is what the previous record of it says. */
export async function recordTable(
  place: TablePlace,
  { before, random }: { before: HeldTable | undefined; random: () => string },
): Promise<HeldTable> {
  const shape = await shapeOf(place);
  const samples = new Map<string, HeldTable['samples'][number]>();
  for (const { key, digest } of (before?.samples ?? []).slice(0, MOST_KEPT)) {
    const item = await readItem(place, key);
    if (item === undefined) continue;
    const now = digestOf(item);
    samples.set(JSON.stringify(key), { key, digest: now, settled: now === digest });
  }
  for (const item of await sampleItems(place, shape, random)) {
    const key = keyOf(item, shape.keyNames);
    if (key === undefined || samples.size >= MOST_SAMPLES) continue;
    const name = JSON.stringify(key);
    if (!samples.has(name)) samples.set(name, { key, digest: digestOf(item), settled: false });
  }
  const counted = mayCount(shape);
  return {
    kind: 'dynamodb',
    keys: [...shape.keys],
    indexes: [...shape.indexes],
    count: counted ? await countItems(place) : shape.items,
    counted,
    countBefore: before?.count ?? null,
    samples: [...samples.values()],
  };
}
