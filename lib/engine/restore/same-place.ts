// Is this the site whose backups these are? Two sites of one name in one store would each take the other's backups for its own.
import { HoldfastError } from '../../errors.ts';
import { isSafety } from '../../format/ids.ts';
import {
  isOtherMachine,
  placeDifference,
  placeText,
  type Place,
  type PlaceDifference,
} from '../../format/place.ts';
import type { Source, SourcePlace } from '../../sources/source.ts';
import { isUnreadable, listStored, readManifest, type StoredBackup } from '../catalog/backups.ts';
import type { Engine } from '../engine.ts';

/** How many backups are looked at for one that can be read and is trusted. */
const MOST_LOOKED_AT = 20;

/** The backup of a source that was stored last, where it was made of another place. */
export interface MadeElsewhere {
  readonly id: string;
  readonly place: Place;
  readonly difference: PlaceDifference;
}

/** Undefined when the backup that was stored last is of this place, or does not say of which. */
export async function madeElsewhere(
  engine: Engine,
  source: string,
  place: SourcePlace,
  listed?: readonly StoredBackup[],
): Promise<MadeElsewhere | undefined> {
  const last = await lastPlace(engine, listed ?? (await listStored(engine, source)));
  if (last?.place === undefined) return undefined;
  const difference = differenceFrom(last.place, place);
  return difference && { id: last.id, place: last.place, difference };
}

/**
 * Throws `OTHER_SITE` when the backup that was stored last was made of another place. One that does not say where is of anywhere.
 *
 * @param listed - what is stored of the source, where that is known
 */
export async function assertSamePlace(
  engine: Engine,
  { name, place }: Pick<Source, 'name' | 'place'>,
  listed?: readonly StoredBackup[],
): Promise<void> {
  const last = place && (await madeElsewhere(engine, name, place, listed));
  if (last === undefined) return;
  throw new HoldfastError(
    'OTHER_SITE',
    `${name} was backed up as ${last.id} from another ${last.difference}, ${placeText(last.place)}; this is ${placeText(place?.at ?? {})}`,
    {
      hint: 'If the site has moved: `holdfast backup --moved`, once. If these are two sites: move the holdfast.yaml of this one away, then give it a `system`, a key and a store of its own with `holdfast init --system NAME --store PLACE`.',
    },
  );
}

/** How the place of a backup differs from that of a source now; undefined when it does not, or that cannot be known. */
export function differenceFrom(
  before: Place,
  { at, anywhere }: SourcePlace,
): PlaceDifference | undefined {
  if (anywhere && isOtherMachine(before, at)) return undefined;
  return placeDifference(before, at);
}

/** By the store's clock: ids follow the clock of the machine that made them. */
async function lastPlace(
  engine: Engine,
  listed: readonly StoredBackup[],
): Promise<{ id: string; place: Place | undefined } | undefined> {
  const stored = listed.flatMap(({ id, manifest }) =>
    manifest === undefined || isSafety(id) ? [] : [{ id, object: manifest }],
  );
  const lastFirst = stored
    .reverse()
    .sort((a, b) => b.object.storedAt.getTime() - a.object.storedAt.getTime());
  for (const { id, object } of lastFirst.slice(0, MOST_LOOKED_AT)) {
    try {
      const { manifest, distrust } = await readManifest(engine, object);
      // A repair is made of other backups.
      if (distrust !== undefined || manifest.origin !== undefined) continue;
      return { id, place: manifest.place };
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }
  return undefined;
}
