// What the doctor looks at on this machine: Node, the tools that a restore needs, room for restore tests.
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { isPostgres, type Config } from '../../config/config.ts';
import { examineGround } from '../../stores/folder/examine.ts';
import { bytesText } from '../output/units.ts';
import { failure } from './failure.ts';
import { ok, problem, warning, type DoctorFinding } from './finding.ts';

export interface Machine {
  readonly nodeVersion: string;
  /** The variable `PATH`. */
  readonly searchPath: string;
  /** Where restore tests are made. */
  readonly scratch: string;
}

/** Findings about this machine; `contentBytes` is the size of the largest source. */
export async function examineMachine(
  machine: Machine,
  config: Config | undefined,
  contentBytes: number,
): Promise<DoctorFinding[]> {
  return [
    ok('machine', `Node ${machine.nodeVersion}`),
    ...(await toolFindings(machine, config)),
    await scratchFinding(machine.scratch, contentBytes),
  ];
}

async function toolFindings(
  { searchPath }: Machine,
  config: Config | undefined,
): Promise<DoctorFinding[]> {
  const sources = config?.sources ?? [];
  const byHand = ['tar', 'gzip', 'sha256sum', 'openssl'];
  if (sources.some(({ compression }) => compression === 'zstd')) byHand.push('zstd');
  if (sources.some(isPostgres)) byHand.push('gunzip', 'createdb', 'psql');
  const missing = await missingOf(byHand, searchPath);
  const findings = [
    missing.length === 0
      ? ok('machine', `tools to restore without Holdfast: ${byHand.join(', ')}`)
      : warning(
          'machine',
          `not installed: ${missing.join(', ')}`,
          'Holdfast does without; a restore by hand (docs/runbook.md) needs them.',
        ),
  ];
  const git = await missingOf(['git'], searchPath);
  if (git.length > 0 && (await anyIsRepository(foldersOf(sources)))) {
    findings.push(
      warning(
        'machine',
        'git is not installed',
        'Install it: without it, backups do not record the commit.',
      ),
    );
  }
  const commands = sources.flatMap(({ afterRestore }) => afterRestore.map(firstWord));
  const absent = await missingOf([...new Set(commands)].filter(isPlainName), searchPath);
  if (absent.length > 0) {
    findings.push(
      warning(
        'machine',
        `commands of \`afterRestore\` that are not installed: ${absent.join(', ')}`,
        'Install them, or correct `afterRestore`: a restore that is to run them would fail here.',
      ),
    );
  }
  return findings;
}

function foldersOf(sources: Config['sources']): string[] {
  return sources.flatMap((source) => (source.kind === 'files' ? [source.path] : []));
}

async function anyIsRepository(folders: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    folders.map((folder) => may(path.join(folder, '.git'), constants.F_OK)),
  );
  return found.includes(true);
}

function firstWord(command: string): string {
  return command.trim().split(/\s/)[0] ?? '';
}

/** Assignments, paths, and what only a shell understands are left to the shell. */
function isPlainName(word: string): boolean {
  return /^[A-Za-z0-9._+-]+$/.test(word);
}

async function missingOf(names: readonly string[], searchPath: string): Promise<string[]> {
  const folders = searchPath.split(path.delimiter).filter((folder) => folder !== '');
  const missing: string[] = [];
  for (const name of names) {
    const found = await Promise.all(
      folders.map((folder) => may(path.join(folder, name), constants.X_OK)),
    );
    if (!found.includes(true)) missing.push(name);
  }
  return missing;
}

async function may(file: string, mode: number): Promise<boolean> {
  return access(file, mode).then(
    () => true,
    () => false,
  );
}

async function scratchFinding(scratch: string, contentBytes: number): Promise<DoctorFinding> {
  try {
    const { at, writable, freeBytes } = await examineGround(scratch);
    if (at !== scratch || !writable)
      return problem(
        'machine',
        `${scratch}, where restores are tested, ${at === scratch ? 'cannot be written' : 'does not exist'}`,
        'Set TMPDIR to a folder that this user may write.',
      );
    const room = `${bytesText(freeBytes)} free in ${scratch} for restore tests`;
    if (freeBytes >= contentBytes) return ok('machine', room);
    return warning(
      'machine',
      `${room}; the largest source has ${bytesText(contentBytes)}`,
      'Set TMPDIR to a folder on a larger disk, or restore tests will fail.',
    );
  } catch (error) {
    return failure('machine', error);
  }
}
