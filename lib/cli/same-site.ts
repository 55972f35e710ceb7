// Before a source is restored over: is it the one that was backed up?
import { differenceFrom } from '../engine/same-place.ts';
import { HoldfastError } from '../errors.ts';
import { placeText } from '../format/place.ts';
import type { OpenBackup } from '../sources/source.ts';
import type { Session } from './session.ts';
import { placeOf } from './sources.ts';

/** Throws `OTHER_SITE` when the backup was made of another place than that of the source. Who names a folder with --to means it. */
export async function assertSameSite(
  { config }: Session,
  { manifest }: OpenBackup,
  { to, moved }: { readonly to?: string; readonly moved?: boolean },
): Promise<void> {
  const source = config?.sources.find(({ name }) => name === manifest.source);
  if (config === undefined || source === undefined) return;
  if (to !== undefined || moved === true || manifest.place === undefined) return;
  const place = await placeOf(config, source);
  const difference = place && differenceFrom(manifest.place, place);
  if (difference === undefined) return;
  throw new HoldfastError(
    'OTHER_SITE',
    `${manifest.source}/${manifest.id} was made of another ${difference}, ${placeText(manifest.place)}; this is ${placeText(place?.at ?? {})}`,
    {
      hint: 'If the site has moved, pass --moved. To see what the backup holds, restore it to a new folder with --to.',
    },
  );
}
