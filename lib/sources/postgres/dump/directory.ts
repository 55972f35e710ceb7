// A dump in pg_dump's directory format, as files: written from a backup, restored by several jobs, and as the text that pg_restore
// makes of it, which is the one that pg_dump would have written.
import fs from 'node:fs';
import type { Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { HoldfastError, type ErrorCode } from '../../../errors.ts';
import { archiveVerbs } from '../../tree/kind.ts';
import type { OpenBackup, Work } from '../../source.ts';
import { databaseArgument } from '../server/connection.ts';
import { scanText } from './writer.ts';
import { keptAlone, readDefinitions, type Definition } from './definitions.ts';
import type { Stretch } from './reader.ts';
import type { DumpSummary, ScanOptions } from './scanner.ts';
import type { LoadInput } from '../restore/load.ts';
import { outputOf, startTool, type Confinement, type Tool } from '../server/process.ts';
import { baseEnvironment, type Machine, type Tools } from '../server/tools.ts';

/** In the archive of a backup, and in whatever folder it is written to. */
export const DUMP_FOLDER = 'dump';
const MAX_JOBS = 8;

/** How many tables are worked on at once, unless configured. */
export function defaultJobs(): number {
  return Math.min(os.availableParallelism(), MAX_JOBS);
}

/**
 * Writes the directory of a backup into `folder`, each member checked before a byte of it is written; gives where it stands. Damage is
 * thrown: part of a dump is worse than none.
 */
export async function extractDump(
  backup: OpenBackup,
  folder: string,
  work: Work,
  user?: { uid: number; gid: number },
): Promise<string> {
  const restored = await archiveVerbs.restore(backup, {
    ...work,
    paths: [DUMP_FOLDER],
    into: folder,
    owners: 'aside',
  });
  const [problem] = restored.problems;
  if (problem !== undefined) {
    const code = problem.code === 'damaged' ? 'BACKUP_DAMAGED' : 'COMMAND_FAILED';
    throw new HoldfastError(code, `${problem.path} of the dump: ${problem.detail}`);
  }
  const dump = path.join(folder, DUMP_FOLDER);
  if (user !== undefined) handOver(dump, user);
  return dump;
}

/** Whoever reads it next is not who has written it. The directory is flat, and what is no file in it is not read by anybody. */
function handOver(dump: string, { uid, gid }: { uid: number; gid: number }): void {
  for (const name of fs.readdirSync(dump)) fs.lchownSync(path.join(dump, name), uid, gid);
  fs.lchownSync(dump, uid, gid);
}

interface DirectoryOptions {
  readonly owners?: boolean | undefined;
  readonly privileges?: boolean | undefined;
  readonly list?: string | undefined;
}

/** Restores the directory `dump` by several jobs; each is a session of its own, so that no transaction can hold them together. */
export async function loadDirectory(
  input: LoadInput,
  dump: string,
  signal: Work['signal'],
  { owners = true, privileges = true, list }: DirectoryOptions = {},
): Promise<void> {
  const { machine, tools, connection, confinement, failure } = input;
  const tool = startTool({
    file: path.join(tools.folder, 'pg_restore'),
    args: [
      ...['--exit-on-error', '--no-password', `--jobs=${defaultJobs()}`],
      ...(owners ? [] : ['--no-owner']),
      ...(privileges ? [] : ['--no-privileges']),
      ...(list === undefined ? [] : [`--use-list=${list}`]),
      ...[`--dbname=${databaseArgument(connection)}`, dump],
    ],
    env: { ...baseEnvironment(machine), ...connection.env },
    signal,
    secrets: [connection.password],
    failure,
    what: `pg_restore on ${connection.label}`,
    confinement,
    stop: 'SIGTERM',
    saysIn: SAYS,
  });
  tool.stdin.end();
  tool.stdout.resume();
  await tool.ended;
}

/**
 * Writes the list of what of a directory is restored beside it: all but the objects that are named, each as `TYPE SCHEMA NAME OWNER`. Gives
 * the path of the list.
 */
export async function listDirectory(
  { machine, tools }: Pick<LoadInput, 'machine' | 'tools'>,
  dump: string,
  leftOut: ReadonlySet<string>,
): Promise<string> {
  const text = await outputOf(
    {
      file: path.join(tools.folder, 'pg_restore'),
      args: ['--list', dump],
      env: baseEnvironment(machine),
      ...{ signal: undefined, secrets: [], failure: 'COMMAND_FAILED', what: WHAT, saysIn: SAYS },
    },
    256 << 20,
  );
  const kept = text
    .toString('utf8')
    .split('\n')
    .filter((line) => !leftOut.has(/^\d+; \d+ \d+ (.*)$/.exec(line)?.[1] ?? ''));
  const file = path.join(path.dirname(dump), 'list');
  fs.writeFileSync(file, kept.join('\n'), { mode: 0o600 });
  return file;
}

/** What pg_restore says without quoting rows and statements. */
const SAYS = 'pg_restore: ';

/** A directory whose text is read. */
export interface ScriptInput {
  readonly machine: Machine;
  readonly tools: Pick<Tools, 'folder'>;
  /** The directory with `toc.dat`. */
  readonly dump: string;
  readonly restrictKey: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly failure: ErrorCode;
  readonly confinement?: Confinement | undefined;
  /** Without rows; then no file of the directory is read but `toc.dat`. */
  readonly definitionsAlone?: boolean;
}

function startScript(input: ScriptInput, output?: Socket): Tool {
  const { machine, tools, dump, restrictKey, signal, failure, confinement } = input;
  const { definitionsAlone = false } = input;
  return startTool({
    file: path.join(tools.folder, 'pg_restore'),
    args: [
      ...(restrictKey === undefined ? [] : [`--restrict-key=${restrictKey}`]),
      ...(definitionsAlone ? ['--schema-only'] : []),
      ...['--file=-', dump],
    ],
    env: baseEnvironment(machine),
    signal,
    secrets: [],
    failure,
    what: WHAT,
    confinement,
    saysIn: SAYS,
    output,
  });
}

const WHAT = 'pg_restore, reading the dump,';

/** Takes the text of a directory without keeping it. Fails unless every file of it could be read, and the text is complete. */
export function scanDirectory(input: ScriptInput, options: ScanOptions): Promise<DumpSummary> {
  const { machine, failure } = input;
  const start = (output: Socket) => startScript(input, output);
  return scanText(start, options, { machine, what: WHAT, failure });
}

/**
 * Stretches of the text of a directory. It can only be read forwards: stretches that ascend cost one passage through it, each that
 * does not, one more.
 */
export class DirectoryText implements Disposable {
  private readonly input: ScriptInput;
  private tool: Tool | undefined;
  private chunks: AsyncIterator<Buffer> | undefined;
  private rest: Buffer = Buffer.alloc(0);
  /** Where `rest` begins. */
  private at = 0;

  constructor(input: ScriptInput) {
    this.input = input;
  }

  /** All definitions of the directory, without their places in the text. */
  async definitions(): Promise<Definition[]> {
    const texts: Buffer[] = [];
    const { objects } = await scanDirectory(
      { ...this.input, definitionsAlone: true },
      { onDefinition: (_object, text) => void texts.push(text) },
    );
    const alone = keptAlone(objects, texts);
    const definitions: Definition[] = [];
    for await (const one of readDefinitions(alone.objects, alone.text)) definitions.push(one);
    return definitions;
  }

  async *read({ from, to }: Stretch): AsyncGenerator<Buffer> {
    if (this.chunks === undefined || from < this.at) this.begin();
    while (this.at < to) {
      if (this.rest.length === 0 && !(await this.fill())) return;
      const end = Math.min(this.rest.length, (this.at < from ? from : to) - this.at);
      const part = this.rest.subarray(0, end);
      const wanted = this.at >= from;
      this.rest = this.rest.subarray(end);
      this.at += end;
      if (wanted) yield part;
    }
  }

  private begin(): void {
    this[Symbol.dispose]();
    this.tool = startScript(this.input);
    this.tool.stdin.end();
    this.chunks = this.tool.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.rest = Buffer.alloc(0);
    this.at = 0;
  }

  /** False at the end of the text, which must be the program's own. */
  private async fill(): Promise<boolean> {
    const next = await this.chunks?.next();
    if (next === undefined || next.done === true) {
      await this.tool?.ended;
      return false;
    }
    this.rest = next.value;
    return true;
  }

  [Symbol.dispose](): void {
    this.tool?.kill();
    this.tool = undefined;
    this.chunks = undefined;
  }
}
