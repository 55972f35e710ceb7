// What the doctor sees in a site besides its files: databases that nothing protects, and a store that a web server hands out.
import type { Config, FilesSourceConfig } from '../../config/config.ts';
import { documentRootOf } from '../../config/init/document-root.ts';
import { DAY_MS } from '../../durations.ts';
import { HoldfastError } from '../../errors.ts';
import { displayPath, displayText } from '../../format/paths.ts';
import { parseStorePlace } from '../../names/store-place.ts';
import { walkFiles } from '../../sources/files/source.ts';
import { durationText } from '../output/units.ts';
import { surroundingsOf } from '../sources.ts';
import { failure } from './failure.ts';
import { warning, type DoctorFinding } from './finding.ts';
import { uncoveredIn } from './uncovered.ts';

/** Enough to find the newest of a folder of dumps. */
const MAX_DUMPS = 10_000;

/** Warnings about what a backup of the folders alone would lack, and about who may read the store. */
export async function examineSite(config: Config, now: Date): Promise<DoctorFinding[]> {
  const findings: DoctorFinding[] = [];
  const dumps = new Set(Object.values(config.otherDatabases));
  const sources = config.sources.filter((source) => source.kind === 'files');
  try {
    findings.push(...(await servedStore(config)));
    findings.push(...(await databasesIn(config)));
    for (const source of sources.filter(({ name }) => dumps.has(name)))
      findings.push(...staleDumps(config, source, now));
  } catch (error) {
    // What cannot be read has a finding as a source.
    const isTold = error instanceof HoldfastError && error.code === 'SOURCE_UNREADABLE';
    if (!isTold) findings.push(failure('source', error));
  }
  return findings;
}

async function databasesIn(config: Config): Promise<DoctorFinding[]> {
  return (await uncoveredIn(config)).map(({ option, message, advice }) =>
    warning(
      'source',
      displayText(message),
      `${advice} Then write \`otherDatabases: { ${option}: SOURCE }\` into holdfast.yaml; \`elsewhere\` in place of SOURCE says that something else backs it up.`,
    ),
  );
}

/** A dump that is no longer made leaves a backup that is made, proven, and old. */
function staleDumps(config: Config, source: FilesSourceConfig, now: Date): DoctorFinding[] {
  const newest = newestOf(config, source);
  if (newest === undefined) return [];
  const ageMs = now.getTime() - newest.atMs;
  if (ageMs <= (source.rpoMs ?? DAY_MS) + source.graceMs) return [];
  return [
    warning(
      'source',
      `${source.name}: the newest dump, ${newest.path}, is ${durationText(ageMs)} old`,
      `See why nothing new is written to ${displayText(source.path)}: its backups hold an old database.`,
    ),
  ];
}

function newestOf(
  config: Config,
  source: FilesSourceConfig,
): { path: string; atMs: number } | undefined {
  let newest: { path: string; atMs: number } | undefined;
  let seen = 0;
  const wanted = { ...source, times: 'recorded' } as const;
  for (const { path, type, mtimeMicroseconds } of walkFiles(
    wanted,
    surroundingsOf(config),
    () => undefined,
  )) {
    const atMs = (mtimeMicroseconds ?? 0) / 1000;
    if (type === 'file' && atMs > (newest?.atMs ?? 0)) newest = { path: displayPath(path), atMs };
    seen += 1;
    if (seen >= MAX_DUMPS) break;
  }
  return newest;
}

async function servedStore({ store }: Config): Promise<DoctorFinding[]> {
  const place = parseStorePlace(store);
  if (place.kind !== 'folder') return [];
  const root = await documentRootOf(place.path);
  if (root === undefined) return [];
  return [
    warning(
      'store',
      `${store} lies in ${root}, which looks like a folder that a web server serves: anybody could download the backups`,
      'Move it out of there: move the folder, change `store` in holdfast.yaml, and run `holdfast backup --create-store` once.',
    ),
  ];
}
