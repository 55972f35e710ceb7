// A look inside a restored table of DynamoDB.
import type { HeldTable } from '../held/held.ts';
import { countItems, digestOf, readItem, shapeOf } from '../held/table.ts';
import { compareTable } from './compare-table.ts';
import type { Look, Lookers, Restored } from './look.ts';

/** Compares all of its shape, its count and the sampled items. Errors as {@link shapeOf} has them. */
export async function lookAtTable(
  held: HeldTable,
  { arn, signal }: Restored,
  { dynamoDb }: Lookers,
): Promise<Look> {
  const place = { client: dynamoDb, table: arn, signal };
  const { keys, indexes } = await shapeOf(place);
  const digests: (string | undefined)[] = [];
  for (const { key } of held.samples) {
    const item = await readItem(place, key);
    digests.push(item && digestOf(item));
  }
  const count = await countItems(place);
  const found = compareTable(held, { keys, indexes, count, digests });
  return { ...found, level: 'content', facts: { items: count, sampled: digests.length } };
}
