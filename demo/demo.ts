// The demonstration: the whole life of a backup, on a real folder and through the real engine. Its exit code says whether all of it held.
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { ERRORS, HoldfastError } from '../lib/errors.ts';
import { durationText } from '../lib/cli/output/units.ts';
import { backUpTwice } from './back-up.ts';
import { showCalendar } from './calendar.ts';
import { damageAndRepair } from './damage.ts';
import { showDatabase } from './database.ts';
import { restoreAndCompare } from './restore.ts';
import { setStage } from './stage.ts';
import { paint, Story, UnmetExpectation } from './story.ts';
import { summarize } from './summary.ts';
import { restoreWithoutHoldfast } from './tools.ts';
import { verifyTwice } from './verify.ts';

const USAGE = `Usage: npm start [-- [directory] [--keep]]

Backs up the directory (by default this checkout) into a temporary store, proves the backup, damages a copy,
repairs it, restores, compares and prunes; the same for a database, where PostgreSQL is installed. The directory is only read; all else happens in a temporary folder.

  --keep   leave the temporary folder, and say where it is
`;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface Arguments {
  readonly directory: string;
  readonly keep: boolean;
}

/** Runs the demonstration; resolves to the exit code: 0 only when every expectation was met. */
export async function demo(argv: readonly string[]): Promise<number> {
  const given = argumentsOf(argv);
  if (typeof given === 'number') return given;
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  process.stdout.on('error', goOnUnread);
  for (const signal of SIGNALS) process.once(signal, onSignal);
  const work = await fs.mkdtemp(path.join(os.tmpdir(), 'holdfast-demo-'));
  try {
    await perform(given, work, interrupt.signal);
    return 0;
  } catch (error) {
    return report(error);
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    await leave(work, given.keep);
  }
}

/** Who reads may have seen enough, as `head` does; the temporary folder is removed all the same. */
function goOnUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

function argumentsOf(argv: readonly string[]): Arguments | number {
  const checkout = path.resolve(import.meta.dirname, '..');
  // npm runs scripts in the checkout; this is where its user stands.
  const from = process.env['INIT_CWD'] ?? process.cwd();
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help === true) {
      process.stdout.write(USAGE);
      return 0;
    }
    const [directory = checkout, second] = positionals;
    if (second === undefined)
      return { directory: path.resolve(from, directory), keep: values.keep === true };
    process.stderr.write(`error: one directory, not ${positionals.length}\n\n${USAGE}`);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`error: ${error.message}\n\n${USAGE}`);
  }
  return ERRORS.USAGE.exit;
}

async function perform(
  { directory, keep }: Arguments,
  work: string,
  signal: AbortSignal,
): Promise<void> {
  const begin = performance.now();
  const story = new Story();
  const root = await folderAt(directory);
  story.line(paint('bold', 'Holdfast: the life of a backup, on real files'));
  story.line(`Reads ${root} and changes nothing there. Everything else happens in`);
  story.line(`${work}, which is ${keep ? 'kept' : 'removed at the end'}.`);
  const stage = await setStage({ root, work, signal, story });
  try {
    const first = await backUpTwice(stage);
    await verifyTwice(stage, first);
    await restoreWithoutHoldfast(stage, first);
    await damageAndRepair(stage, first);
    await restoreAndCompare(stage, first);
    await showDatabase(stage);
    await showCalendar(stage);
  } finally {
    await stage.engine.pool.close();
  }
  summarize(story, durationText(performance.now() - begin));
}

async function folderAt(directory: string): Promise<string> {
  try {
    const root = await fs.realpath(directory);
    if ((await fs.stat(root)).isDirectory()) return root;
  } catch (cause) {
    throw new HoldfastError('SOURCE_UNREADABLE', `${directory} cannot be opened`, { cause });
  }
  throw new HoldfastError('SOURCE_UNREADABLE', `${directory} is not a folder`);
}

function report(error: unknown): number {
  const say = (text: string) => process.stderr.write(`\n${paint('red', 'failed')}: ${text}\n`);
  if (error instanceof UnmetExpectation) {
    say(error.message);
    return 1;
  }
  if (error instanceof HoldfastError) {
    // What a configuration could say about the source does not help here.
    const unreadable = error.code === 'SOURCE_UNREADABLE';
    const hint = unreadable ? 'Name a folder with files in it: npm start -- FOLDER' : error.hint;
    say(`${error.message}${hint === undefined ? '' : `\n  hint: ${hint}`}\n  code: ${error.code}`);
    return ERRORS[error.code].exit;
  }
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return 1;
}

async function leave(work: string, keep: boolean): Promise<void> {
  if (keep) process.stdout.write(`\nKept: ${work}\n`);
  else await fs.rm(work, { recursive: true, force: true });
}
