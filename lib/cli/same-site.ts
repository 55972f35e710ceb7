// Is the source that stands here the one that was backed up? Asked before it is restored over, and by `status`.
import { differenceFrom, madeElsewhere } from '../engine/restore/same-place.ts';
import { HoldfastError } from '../errors.ts';
import { isElsewhere, placeText } from '../format/place.ts';
import { finding, type Finding } from '../policy/conditions/table.ts';
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

/** A finding for each source whose backups are made of another place: `backup` refuses it here, so they hold nothing of this site. */
export async function otherSiteFindings({
  engine,
  config,
}: Pick<Session, 'engine' | 'config'>): Promise<ReadonlyMap<string, Finding>> {
  const findings = new Map<string, Finding>();
  if (config === undefined) return findings;
  for (const source of config.sources) {
    const place = await placeOf(config, source);
    const last = place && (await madeElsewhere(engine, source.name, place));
    if (place === undefined || last === undefined) continue;
    // Who only looks at the backups of another machine is in the right place.
    const code = isElsewhere(last.place, place.at) ? 'elsewhere' : 'other-site';
    const detail = `its last backup, ${last.id}, is of another ${last.difference}, ${placeText(last.place)}: what stands here, in ${placeText(place.at)}, is not backed up; if the site has moved, run \`holdfast backup --moved\` once`;
    findings.set(source.name, finding(code, detail));
  }
  return findings;
}
