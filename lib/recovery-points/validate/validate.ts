// When a plan of ours has restored something for a test: a look inside, evidence in the store, and the verdict for AWS Backup.
import { readRecords, writeOnce } from '../../engine/catalog/records.ts';
import type { RecoveryPointsConfig, SelectionConfig } from '../../config/recovery-points.ts';
import { DAY_MS } from '../../durations.ts';
import type { Engine } from '../../engine/engine.ts';
import { HoldfastError, type Problem } from '../../errors.ts';
import type { Record } from '../../format/record.ts';
import type { RunsOn } from '../../names/aws.ts';
import { parseResource, RESTORED_FOR_TESTS, type ResourceKind } from '../../names/resources.ts';
import { parseHeld } from '../held/held.ts';
import { selectionOfPlan } from '../selection.ts';
import type { BackupActor, BackupReader, RestoreJobSeen } from '../service.ts';
import { doubtful, type Look, type Restored } from './look.ts';

export type TestVerdict = 'proven' | 'damaged' | 'inconclusive';

export interface ValidationBench {
  readonly engine: Engine;
  readonly service: Pick<BackupReader, 'restoreJob'> & Pick<BackupActor, 'report'>;
  readonly system: string;
  readonly config: RecoveryPointsConfig;
  /** A function leaves to the task what only the task can look into, and the other way round. */
  readonly runsOn: RunsOn;
  /** Looks at what was restored, by its kind. */
  readonly look: (restored: Restored) => Promise<Look>;
}

export interface ValidationReport {
  /** `ignored`: the job is not over, or none of our plans started it. `elsewhere`: the task, or the function, tests it. */
  readonly outcome: 'tested' | 'already' | 'ignored' | 'elsewhere';
  readonly job: string;
  readonly selection?: string;
  readonly verdict?: TestVerdict;
  /** What AWS Backup was told. */
  readonly message?: string;
  readonly why?: string;
}

/**
 * Tests what the restore job of that id has restored, once.
 *
 * Whatever goes wrong is evidence, and told to AWS Backup, before it is thrown: what is not proven must not look as if nobody had
 * asked.
 */
export async function validateRecoveryPoint(
  bench: ValidationBench,
  id: string,
): Promise<ValidationReport> {
  const job = await bench.service.restoreJob(id);
  const ignored = (why: string) => ({ outcome: 'ignored', job: id, why }) as const;
  const selection = selectionOfPlan(job.testingPlan, bench.system, bench.config);
  if (selection === undefined) {
    return ignored(`it was started by ${job.testingPlan ?? 'somebody'}, not by a plan of ours`);
  }
  if (!ENDED.includes(job.state)) return ignored(`the job is ${job.state}`);
  if (testedOn(job, selection) !== bench.runsOn) {
    return { outcome: 'elsewhere', job: id, selection: selection.name };
  }
  const known = await knownVerdict(bench.engine, selection.name, id);
  if (known !== undefined) return repeated(bench, { job, selection, known });
  const { tested, thrown } = await test(bench, job, selection);
  const { verdict, problems } = tested;
  // An event may come twice at once; the second run may find that what the first one used is gone.
  const meanwhile =
    verdict === 'proven' ? undefined : await knownVerdict(bench.engine, selection.name, id);
  if (meanwhile !== undefined) return repeated(bench, { job, selection, known: meanwhile });
  const message = messageOf(verdict, problems, job);
  const report = { outcome: 'tested', job: id, selection: selection.name } as const;
  await conclude(bench, { job, selection, tested, message });
  if (thrown !== undefined) throw thrown;
  return { ...report, verdict, message };
}

/** What looks into what a job has restored: databases are reached from a network of yours, and take longer than a function has. */
function testedOn(
  { createdResource, resource = '' }: RestoreJobSeen,
  { restoreTest }: SelectionConfig,
): RunsOn {
  const kind = parseResource(createdResource ?? resource)?.kind;
  const isDatabase = kind === 'aurora' || kind === 'rds';
  return isDatabase && restoreTest.postgres !== undefined ? 'task' : 'function';
}

interface Repeated {
  readonly job: RestoreJobSeen;
  readonly selection: SelectionConfig;
  readonly known: Record;
}

/** What was written down may not have been told. */
async function repeated(
  bench: ValidationBench,
  { job, selection, known }: Repeated,
): Promise<ValidationReport> {
  const verdict = known.verdict as TestVerdict;
  const message = messageOf(verdict, known.problems, job);
  if (job.validation === undefined || job.validation === 'VALIDATING') {
    await tell(bench, job, verdict, message);
  }
  return { outcome: 'already', job: job.id, selection: selection.name, message };
}

const ENDED: readonly string[] = ['ABORTED', 'COMPLETED', 'FAILED'];

/** The record of this job that a trusted key vouches for. */
async function knownVerdict(
  engine: Engine,
  selection: string,
  id: string,
): Promise<Record | undefined> {
  const options = { subjects: new Set([id]), onProblem: () => undefined };
  const records = await readRecords(engine, 'restore-test', selection, options);
  return records.find(({ distrust }) => distrust === undefined)?.record;
}

interface Tested {
  readonly verdict: TestVerdict;
  readonly problems: readonly Problem[];
  readonly level: Look['level'] | undefined;
  readonly facts: Look['facts'];
}

async function test(
  bench: ValidationBench,
  job: RestoreJobSeen,
  selection: SelectionConfig,
): Promise<{ tested: Tested; thrown: Error | undefined }> {
  try {
    return { tested: judged(await lookAt(bench, job, selection)), thrown: undefined };
  } catch (error) {
    const known = error instanceof HoldfastError;
    const path = job.createdResource ?? '';
    const isLate = bench.engine.signal?.aborted === true;
    const found = isLate
      ? doubtful('time', "the function's time ended before all of it was looked at", path)
      : doubtful(known ? error.code : 'UNEXPECTED', known ? error.message : UNEXPECTED, path);
    const passed = known || isLate || !(error instanceof Error);
    return { tested: judged(found), thrown: passed ? undefined : error };
  }
}

const UNEXPECTED = 'an unexpected error, which the log of the function tells';

/** The verdict over a look. */
function judged({ damage, doubt, noted, level, facts }: Look): Tested {
  const sure = damage.length > 0 ? 'damaged' : 'proven';
  const unsure = damage.length === 0 && doubt.length > 0;
  return {
    verdict: unsure ? 'inconclusive' : sure,
    problems: [...damage, ...doubt, ...noted],
    level,
    facts,
  };
}

async function lookAt(
  { engine, look }: ValidationBench,
  job: RestoreJobSeen,
  selection: SelectionConfig,
): Promise<Look> {
  const { state, message = '', createdResource: arn } = job;
  if (state !== 'COMPLETED') {
    return doubtful('job', `AWS Backup says ${state}${message && `: ${message}`}`);
  }
  if (arn === undefined) return doubtful('nothing', 'AWS Backup names nothing that it restored');
  const name = parseResource(arn);
  if (name === undefined) {
    return doubtful('kind', 'what was restored is of a kind that is not known here', arn);
  }
  if (!isForTest(name.kind, name.name)) {
    return doubtful('not-a-test', `its name does not begin with ${RESTORED_FOR_TESTS}`, arn);
  }
  const recorded = await recordedFor(engine, job, selection.name);
  const since = job.completed ?? job.created;
  return look({ arn, name, ...recorded, selection, since, signal: engine.signal });
}

/** What has an id instead of a name cannot have one that AWS Backup gave. */
function isForTest(kind: ResourceKind, name: string): boolean {
  return kind === 'ebs' || kind === 'efs' || name.startsWith(RESTORED_FOR_TESTS);
}

/** What the record of the job that made this recovery point says that its resource held. */
async function recordedFor(
  engine: Engine,
  { point, pointCreated }: RestoreJobSeen,
  selection: string,
): Promise<Pick<Restored, 'held' | 'unrecorded'>> {
  const since = pointCreated && new Date(pointCreated.getTime() - DAY_MS);
  const records = await readRecords(engine, 'recovery-point', selection, {
    ...(since !== undefined && { since }),
    onProblem: () => undefined,
  });
  const own = records.find(
    ({ record, distrust }) => distrust === undefined && record.facts['recoveryPoint'] === point,
  );
  if (own === undefined) {
    return { held: undefined, unrecorded: 'there is no record of the job that made it' };
  }
  const held = parseHeld(own.record.facts['held']);
  const why = own.record.problems[0]?.detail ?? 'its record says nothing about that';
  return { held, unrecorded: held === undefined ? why : undefined };
}

interface Conclusion {
  readonly job: RestoreJobSeen;
  readonly selection: SelectionConfig;
  readonly tested: Tested;
  readonly message: string;
}

/** Evidence first; AWS Backup gets the verdict even when the store takes no evidence. */
async function conclude(
  bench: ValidationBench,
  { job, selection, tested, message }: Conclusion,
): Promise<void> {
  const { verdict, problems, level, facts } = tested;
  const { created, completed, resource = '', point } = job;
  try {
    await writeOnce(bench.engine, {
      verb: 'restore-test',
      source: selection.name,
      subject: job.id,
      begin: completed ?? created,
      verdict,
      problems,
      facts: {
        ...facts,
        resource,
        recoveryPoint: point,
        kind: parseResource(resource)?.kind ?? '',
        ...(level !== undefined && { level }),
        ...(completed !== undefined && { restoreMs: completed.getTime() - created.getTime() }),
      },
    });
  } catch (error) {
    const detail = 'the evidence could not be written to the store';
    await tell(bench, job, 'inconclusive', `${NOT_PROVEN}: ${detail}`);
    throw error;
  }
  await tell(bench, job, verdict, message);
}

const NOT_PROVEN = 'not proven';
/** AWS Backup takes no more. */
const LONGEST_MESSAGE = 1000;

const ASKED = 'every table was read, and every check has passed';
/** Of databases nothing is recorded. */
const PROVEN: Readonly<Partial<{ readonly [kind: string]: string }>> = {
  aurora: ASKED,
  rds: ASKED,
};

/** The verdict in words. */
function messageOf(
  verdict: TestVerdict,
  problems: readonly Problem[],
  { createdResource = '' }: RestoreJobSeen,
): string {
  const serious = problems.filter(({ tolerated }) => tolerated !== true);
  const told = (serious.length > 0 ? serious : problems).map(({ path, detail }) =>
    path === '' ? detail : `${path}: ${detail}`,
  );
  const text = told.join('; ');
  const words = {
    proven:
      PROVEN[parseResource(createdResource)?.kind ?? ''] ?? 'the content is what was recorded',
    damaged: `damaged: ${text}`,
    inconclusive: `${NOT_PROVEN}: ${text}`,
  }[verdict];
  return words.length > LONGEST_MESSAGE ? `${words.slice(0, LONGEST_MESSAGE - 1)}…` : words;
}

/** Of a job that restored nothing AWS Backup knows the end itself. */
async function tell(
  { service }: ValidationBench,
  { id, state }: RestoreJobSeen,
  verdict: TestVerdict,
  message: string,
): Promise<void> {
  if (state !== 'COMPLETED') return;
  await service.report(id, verdict === 'proven' ? 'SUCCESSFUL' : 'FAILED', message);
}
