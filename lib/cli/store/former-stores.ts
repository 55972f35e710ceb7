// What became of the stores to which backups went before `store` was changed.
import type { Config } from '../../config/config.ts';
import {
  readKnownStores,
  storeRecordFile,
  type KnownStore,
} from '../../config/load/store-record.ts';
import { readMarker, storeIdOf } from '../../engine/catalog/marker.ts';
import { HoldfastError } from '../../errors.ts';
import { BACKUPS_PREFIX } from '../../format/layout.ts';
import { storePlaceOf } from '../../names/store-place.ts';
import { finding, type Finding } from '../../policy/conditions/table.ts';
import type { Store } from '../../stores/store.ts';
import { openStoreAt } from '../../wiring/stores.ts';
import { counted } from '../output/units.ts';
import { aboutStore } from './about.ts';

/** More changes than anybody makes. */
const MOST_STORES = 5;

/** A finding for each former store of this configuration that holds what the present one does not, or that cannot be looked at. */
export async function formerStoreFindings(
  config: Config | undefined,
  store: Store,
): Promise<Finding[]> {
  const file = config && storeRecordFile(config);
  if (file === undefined || config?.storeFrom !== 'file') return [];
  const known = await readKnownStores(file);
  const former = known.filter(
    (one) => one.aside !== true && one.config === config.file && one.place !== store.url,
  );
  const findings = await replacedFinding(known, store, file);
  for (const one of former.slice(-MOST_STORES)) {
    const detail = isOnlyNamed(one.place)
      ? `backups went to ${one.place} before: \`holdfast list --store '${one.place}'\` shows them`
      : await detailOf(one, store, known);
    if (detail === undefined) continue;
    const forget = `to be reminded no more, take it out of ${file}`;
    findings.push(finding('former-store', `${detail}; ${forget}`));
  }
  return findings;
}

/** True for what is not looked into: it would cost something each time, or another version has written there. */
function isOnlyNamed(place: string): boolean {
  return storePlaceOf(place) === undefined || aboutStore(place).readingCosts;
}

/** A finding about the store that was in the same place before: somebody began a new one there, perhaps in the empty folder of a disk that was not mounted. */
async function replacedFinding(
  known: readonly KnownStore[],
  store: Store,
  file: string,
): Promise<Finding[]> {
  const marker = await readMarker(store);
  const id = marker && (await storeIdOf(store, marker));
  const before = known.filter((one) => one.place === store.url && one.id !== id);
  const last = before.at(-1);
  if (id === undefined || last === undefined || !known.some((one) => one.id === id)) return [];
  const detail = `another store was in ${store.url} before, since ${last.since.slice(0, 10)}: its backups are not in this one; to be reminded no more, take "${last.id}" out of ${file}`;
  return [finding('former-store', detail)];
}

async function detailOf(
  { place, id }: KnownStore,
  present: Store,
  known: readonly KnownStore[],
): Promise<string | undefined> {
  // It may be the same store, which was moved here.
  if (known.some((one) => one.id === id && one.place === present.url)) return undefined;
  const missing = await onlyIn(place, present);
  if (missing === undefined) return `backups went to ${place} before, where no store is now`;
  if (missing === 0) return undefined;
  const take = aboutStore(present.url).copyCommand(place);
  return `${counted(missing, 'backup')} of this system ${missing === 1 ? 'is' : 'are'} in ${place}, where they went before, and not here: to take them along, run ${take}`;
}

/** How many backups are in the store at `place` and not in `present`; undefined when there is no store. */
async function onlyIn(place: string, present: Store): Promise<number | undefined> {
  try {
    const store = await openStoreAt(place);
    if ((await readMarker(store)) === undefined) return undefined;
    const here = await manifestsIn(present);
    const there = await manifestsIn(store);
    return [...there].filter((key) => !here.has(key)).length;
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

async function manifestsIn(store: Store): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const { key } of store.list(BACKUPS_PREFIX))
    if (key.endsWith('/manifest.json')) keys.add(key);
  return keys;
}
