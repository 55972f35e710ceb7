// What the doctor looks at in a store that is a folder: reachable, writable, ours, large enough, and not on the disk that it protects from.
import os from 'node:os';
import type { Config } from '../../config/config.ts';
import type { Engine } from '../../engine/engine.ts';
import { examineStore, type StoreExamination } from '../../engine/examine.ts';
import {
  examineAbilities,
  examineGround,
  findLeftovers,
  type Abilities,
  type Ground,
  type Leftovers,
} from '../../stores/folder/examine.ts';
import { bytesText, counted } from '../output/units.ts';
import { clockFindings } from './clock.ts';
import { failure } from './failure.ts';
import { ok, problem, warning, type DoctorFinding, type SeenSource } from './finding.ts';

/** Backups that should still fit before somebody has to be told. */
const COMFORT = 3;

/** Findings about the store of `engine`, a folder. */
export async function examineFolder(
  engine: Engine,
  config: Config | undefined,
  sources: readonly SeenSource[],
): Promise<DoctorFinding[]> {
  const root = engine.store.url;
  try {
    const ground = await examineGround(root);
    const known = await insideFindings(engine, ground);
    return [
      ...known.findings,
      ...spaceFindings(ground, config, { sources, newest: known.newest }),
      ...(await deviceFindings(root, ground, sources)),
    ];
  } catch (error) {
    return [failure('store', error)];
  }
}

interface Inside {
  readonly findings: DoctorFinding[];
  readonly newest: StoreExamination['newest'];
}

async function insideFindings(engine: Engine, ground: Ground): Promise<Inside> {
  const root = engine.store.url;
  const examined = await examineStore(engine);
  const findings = [
    ...clockFindings(examined),
    ...modeFindings(root, ground),
    ...apartFindings(root, examined.apart),
  ];
  if (examined.tried) {
    findings.unshift(ok('store', `${root}: an object was written, read back and deleted`));
    findings.push(
      ...leftoverFindings(await findLeftovers(root)),
      ...abilityFindings(root, await examineAbilities(root, engine.random())),
    );
  } else {
    const sources = examined.newest.map(({ source }) => source).join(', ') || 'no backup';
    findings.unshift(ok('store', `${root} can be read: ${sources}`));
  }
  return { findings, newest: examined.newest };
}

function apartFindings(root: string, { files, bytes }: StoreExamination['apart']): DoctorFinding[] {
  if (files === 0) return [];
  return [
    warning(
      'store',
      `${root} was copied without its hard links: ${counted(files, 'file')} more than before, ${bytesText(bytes)} larger`,
      'Every backup is whole. Copy it again with `cp -a` or `rsync -aH` to have the room back; otherwise prunes free it in time.',
    ),
  ];
}

function abilityFindings(
  root: string,
  { hardLinks, distinguishesCase }: Abilities,
): DoctorFinding[] {
  const findings: DoctorFinding[] = [];
  if (!hardLinks) {
    findings.push(
      warning(
        'store',
        `the file system of ${root} has no hard links`,
        'It works, one writer after the other; ext4, XFS, Btrfs, ZFS and APFS have them.',
      ),
    );
  }
  if (!distinguishesCase) {
    findings.push(
      warning(
        'store',
        `the file system of ${root} takes README and readme for one name`,
        'The store works. A restore to a disk of that kind loses one of two such files, and says so.',
      ),
    );
  }
  return findings;
}

function modeFindings(root: string, { mode }: Ground): DoctorFinding[] {
  if ((mode & 0o022) === 0) return [];
  return [
    warning(
      'store',
      `others may write into ${root} (mode ${mode.toString(8)}), and so delete backups`,
      `Run: chmod go-w '${root}'`,
    ),
  ];
}

function leftoverFindings({ locks, drafts, draftBytes }: Leftovers): DoctorFinding[] {
  const findings = locks.map(({ path, text }) =>
    warning(
      'store',
      `the lock ${path} lies there: ${text}`,
      `A run may be under way. The lock of a run that died on ${os.hostname()} is taken over by the next; of another machine, delete the file when you know that nothing runs.`,
    ),
  );
  if (drafts > 0) {
    findings.push(
      warning(
        'store',
        `${counted(drafts, 'unfinished file')} with ${bytesText(draftBytes)} in its .tmp`,
        'A run is under way, or was killed; a backup removes what is older than a day.',
      ),
    );
  }
  return findings;
}

/** The next backup of each source is about as large as its last one, or else at most what the source holds. */
function spaceFindings(
  { freeBytes, totalBytes, freeFiles, at }: Ground,
  config: Config | undefined,
  { sources, newest }: { sources: readonly SeenSource[]; newest: StoreExamination['newest'] },
): DoctorFinding[] {
  const names = new Set([...sources, ...(config?.sources ?? [])].map(({ name }) => name));
  const needs = [...names].map(
    (name) =>
      newest.find(({ source }) => source === name)?.storedBytes ??
      sources.find((one) => one.name === name)?.contentBytes,
  );
  const needed = needs.reduce<number>((sum, bytes = 0) => sum + bytes, 0);
  // What no folder here holds, such as a database, has a size when it was backed up once.
  const known = needs.every((bytes) => bytes !== undefined);
  const takes = `, a backup of all sources takes ${known ? 'about' : 'more than'} ${bytesText(needed)}`;
  const room = `${bytesText(freeBytes)} free for the store${needed === 0 && !known ? '' : takes}`;
  const advice = `Make room on the file system of ${at}, keep fewer backups, or choose a larger disk.`;
  const findings = [
    freeBytes < needed
      ? problem('store', room, advice)
      : freeBytes < COMFORT * needed
        ? warning('store', room, advice)
        : ok('store', room),
  ];
  if (freeFiles !== undefined && freeFiles < 1000)
    findings.push(problem('store', `its file system takes only ${freeFiles} more files`, advice));
  const capacityBytes = config?.capacityBytes ?? 0;
  if (capacityBytes > totalBytes) {
    findings.push(
      warning(
        'store',
        `\`capacity\` is ${bytesText(capacityBytes)}, its disk has ${bytesText(totalBytes)}`,
        'Lower `capacity`: the disk is full before a warning could come.',
      ),
    );
  }
  return findings;
}

async function deviceFindings(
  root: string,
  { device }: Ground,
  sources: readonly SeenSource[],
): Promise<DoctorFinding[]> {
  const together: string[] = [];
  for (const { name, path } of sources) {
    if ((await examineGround(path)).device === device) together.push(name);
  }
  if (together.length === 0) return [];
  return [
    warning(
      'store',
      `${root} lies on the same file system as ${together.join(', ')}: one lost disk takes both`,
      'Name a folder on another disk as `store`, or copy the store to another machine regularly.',
    ),
  ];
}
