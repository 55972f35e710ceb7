// `holdfast run-due`, which a timer starts: does what the schedules ask for, once, and ends.
import type { Config } from '../../config/config.ts';
import { readLately, readOnce, type Memory } from '../../engine/memory.ts';
import type { VerifyResult } from '../../engine/verify.ts';
import { ERRORS, HoldfastError, type ErrorCode } from '../../errors.ts';
import { MINUTE_MS } from '../../durations.ts';
import type { Due, Later } from '../../policy/due.ts';
import { backUpAll, exitOf, jsonOf, sweep } from '../backup/back-up.ts';
import { lookAhead, type SystemAgenda } from '../due/agenda.ts';
import { onceAnHour } from '../due/once-an-hour.ts';
import { onlyOne } from '../due/only-one.ts';
import type { Invocation } from '../invocation.ts';
import { Terminal } from '../output/terminal.ts';
import { ageText, timeText } from '../output/units.ts';
import { configOf, openSession, required, requireConfig, type Session } from '../session.ts';
import { selectSources } from '../sources.ts';
import { tellFailure, telling } from '../telling.ts';
import { toldLately } from '../told-lately.ts';
import { testOne } from './restore-test.ts';
import { isSound, verifyOne } from './verify.ts';

interface Options {
  readonly dryRun?: boolean;
}

type DueBackup = Extract<Due, { verb: 'backup' }>;
type DueProof = Exclude<Due, DueBackup>;

/** How long content is read in one run; the next one goes on. */
const CONTENT_MS = 10 * MINUTE_MS;

export async function run(_names: string[], invocation: Invocation<Options>): Promise<number> {
  const { options } = invocation;
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  return onceAnHour('run-due', options, async () => {
    const config = required(configOf(options));
    if (options.dryRun === true) return runDue(invocation, terminal);
    try {
      return await onlyOne(`${config.file} ${config.store}`, () => runDue(invocation, terminal));
    } catch (error) {
      if (isCode(error, 'LOCKED') && !terminal.json) {
        terminal.note(`nothing was done: ${error.message}`);
        return ERRORS.LOCKED.exit;
      }
      if (!isCode(error, 'LOCKED') && (await isNews(config.system)))
        await tellFailure('run-due', invocation, error);
      throw error;
    }
  });
}

/** `escalate` says it, too, when the store cannot be reached: once an hour is enough for both. */
async function isNews(system: string): Promise<boolean> {
  const now = new Date();
  const told = [await toldLately(`${system}-run-due`, now), await toldLately(system, now)];
  return !told.includes(true);
}

function isCode(error: unknown, code: ErrorCode): error is HoldfastError {
  return error instanceof HoldfastError && error.code === code;
}

/** What a run did, and what it could not do. */
interface Done {
  readonly backups: object[];
  readonly verified: VerifyResult[];
  readonly tested: object[];
  readonly failed: { due: Due; code: string; message: string }[];
  /** What waits for the next run. */
  readonly postponed: Due[];
}

async function runDue(invocation: Invocation<Options>, terminal: Terminal): Promise<number> {
  const { options, signal } = invocation;
  const dryRun = options.dryRun === true;
  await using session = await openSession({
    options,
    signal,
    signing: dryRun ? 'optional' : 'required',
    onProgress: terminal.progress,
    store: 'marked',
  });
  const config = requireConfig(session);
  const agenda = await lookAhead(session.engine, config);
  sayAgenda(terminal, agenda, dryRun);
  const done: Done = { backups: [], verified: [], tested: [], failed: [], postponed: [] };
  const exits: number[] = [];
  if (!dryRun) {
    const work = { session, config, terminal, invocation };
    exits.push(await backUpDue(work, agenda.due.filter(isBackup), done));
    exits.push(...(await proveDue(work, agenda, done)));
    if (agenda.due.length > 0) await sweep(session.engine, config, terminal);
  }
  const exit = gravest(exits);
  terminal.document({ command: 'run-due', dryRun, ...agenda, ...(!dryRun && done), exit });
  return exit;
}

function isBackup(due: Due): due is DueBackup {
  return due.verb === 'backup';
}

interface Work {
  readonly session: Session;
  readonly config: Config;
  readonly terminal: Terminal;
  readonly invocation: Invocation<Options>;
}

async function backUpDue(work: Work, due: readonly DueBackup[], done: Done): Promise<number> {
  if (due.length === 0) return 0;
  const { session, config, terminal, invocation } = work;
  const { engine } = session;
  const times = new Map(due.map(({ source, at }) => [source, at]));
  const names = due.map(({ source }) => source);
  const act = async () => {
    const wanted = selectSources(config, names).map((source) => ({
      source,
      triggerOf: () => ({ kind: 'schedule', at: times.get(source.name) ?? engine.now() }) as const,
    }));
    const wishes = { full: false, moved: false, verify: true, prune: true };
    const outcomes = await backUpAll({ engine, config, terminal }, wanted, wishes);
    done.backups.push(...outcomes.map(jsonOf));
    return exitOf(outcomes);
  };
  return telling('backup', act, tellsAgain(config))(names, invocation);
}

/** What leaves no incident would send a message in each quarter of an hour. */
function tellsAgain({ system }: Config): () => Promise<boolean> {
  return async () => !(await toldLately(`${system}-run-due-act`, new Date()));
}

/** What reads longest comes last, and waits when a backup has become due meanwhile. */
async function proveDue(work: Work, { due, later }: SystemAgenda, done: Done): Promise<number[]> {
  const { session, terminal, config, invocation } = work;
  const { engine } = session;
  const next = later.find(({ verb }) => verb === 'backup')?.at;
  const ended: number[] = [];
  const memory = readOnce();
  for (const { verb, belongs, forMs } of PROOFS) {
    const own = due.filter((one): one is DueProof => !isBackup(one) && belongs(one));
    if (own.length === 0) continue;
    const act = async () => {
      const begin = performance.now();
      const exits: number[] = [];
      for (const one of own) {
        const isBackupDue = next !== undefined && next <= engine.now();
        if (isBackupDue || performance.now() - begin > forMs) done.postponed.push(one);
        else exits.push(await proveOne(session, one, { terminal, done, memory }));
      }
      return gravest(exits);
    };
    ended.push(await telling(verb, act, tellsAgain(config))([], invocation));
  }
  return ended;
}

interface ProofGroup {
  readonly verb: DueProof['verb'];
  readonly belongs: (one: DueProof) => boolean;
  /** After so long none is begun any more. */
  readonly forMs: number;
}

const PROOFS: readonly ProofGroup[] = [
  {
    verb: 'verify',
    belongs: (one) => one.verb === 'verify' && !isContent(one),
    forMs: Infinity,
  },
  { verb: 'restore-test', belongs: (one) => one.verb === 'restore-test', forMs: Infinity },
  { verb: 'verify', belongs: isContent, forMs: CONTENT_MS },
];

function isContent(one: DueProof): boolean {
  return one.verb === 'verify' && one.level === 'content';
}

/** The exit code of one proof; an error is said, and does not keep the others from being made. */
async function proveOne(
  session: Session,
  due: DueProof,
  { terminal, done, memory }: { terminal: Terminal; done: Done; memory: Memory },
): Promise<number> {
  try {
    if (due.verb === 'restore-test') {
      const result = await testOne(session, due, { terminal });
      done.tested.push(result);
      return result.verdict === 'proven' ? 0 : ERRORS.BACKUP_DAMAGED.exit;
    }
    const { engine } = session;
    // What was never proven is proven as the run that made it does.
    const lately = due.level === 'digest' ? await readLately(engine, due, due.level) : memory;
    const wanted = { level: due.level, terminal, memory: lately, before: done.verified };
    const result = await verifyOne(engine, due, wanted);
    done.verified.push(result);
    return isSound(result) ? 0 : ERRORS.BACKUP_DAMAGED.exit;
  } catch (error) {
    terminal.stop();
    if (!(error instanceof HoldfastError) || error.code === 'CANCELLED') throw error;
    const { code, message } = error;
    terminal.warn(`${due.verb} of ${due.source}/${due.id} failed: ${message}\n  code: ${code}`);
    done.failed.push({ due, code, message });
    return ERRORS[code].exit;
  }
}

/** What failed comes before what is damaged, and that before what is partial. */
function gravest(exits: readonly number[]): number {
  const grave = (exit: number) => exit !== 0 && exit !== DAMAGED && exit !== PARTIAL;
  return (
    exits.find(grave) ??
    exits.find((exit) => exit === DAMAGED) ??
    exits.find((exit) => exit === PARTIAL) ??
    0
  );
}

const DAMAGED = ERRORS.BACKUP_DAMAGED.exit;
const PARTIAL = ERRORS.SOURCE_INCOMPLETE.exit;

function sayAgenda(
  terminal: Terminal,
  { at, due, later, remarks }: SystemAgenda,
  dryRun: boolean,
): void {
  // This is the answer of a dry run.
  const tell = (text: string) => {
    if (dryRun) terminal.line(text);
    else terminal.done(text);
  };
  for (const one of due) tell(`due    ${nameOf(one)}: ${one.why}`);
  if (due.length === 0) tell('nothing is due');
  const shown = dryRun ? later : later.slice(0, 1);
  for (const one of shown)
    tell(
      `later  ${nameOfLater(one)}: in ${ageText(at, one.at)}, at ${timeText(one.at)}; ${one.why}`,
    );
  for (const remark of remarks) terminal.note(remark);
}

function nameOf(due: Due): string {
  if (due.verb === 'backup') return `backup of ${due.source}`;
  const level = due.verb === 'verify' ? ` (${due.level})` : '';
  return `${due.verb} of ${due.source}/${due.id}${level}`;
}

function nameOfLater({ verb, source }: Later): string {
  return `${verb} of ${source}`;
}
