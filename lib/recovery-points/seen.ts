// What the store knows of recovery points, without asking AWS Backup: the records of jobs, and of tests of what was restored.
import { readRecords } from '../engine/catalog/records.ts';
import type { Engine } from '../engine/engine.ts';
import type { Problem } from '../errors.ts';
import type { Record } from '../format/record.ts';

/** The last test of a recovery point. */
export interface TestSeen {
  readonly at: string;
  /** `restored`: it was restored, and its content not looked at. */
  readonly verdict: 'proven' | 'damaged' | 'inconclusive' | 'restored';
  readonly detail: string;
}

/** A recovery point, as its record tells it. */
export interface RecordedPoint {
  readonly selection: string;
  readonly resource: string;
  /** Its ARN; empty where the job made none. */
  readonly recoveryPoint: string;
  readonly kind: string;
  /** The id of the backup job. */
  readonly job: string;
  readonly at: string;
  readonly verdict: string;
  readonly bytes: number | undefined;
  readonly detail: string;
  readonly test: TestSeen | undefined;
  /** Why it proves nothing, or undefined when a trusted key vouches for it. */
  readonly distrust: string | undefined;
}

/** The recovery points of a selection that were recorded, oldest first. */
export async function recordedPoints(
  engine: Engine,
  selection: string,
  onProblem: (problem: Problem) => void,
): Promise<RecordedPoint[]> {
  const records = await readRecords(engine, 'recovery-point', selection, { onProblem });
  const tests = await readRecords(engine, 'restore-test', selection, { onProblem });
  const last = new Map<string, TestSeen>();
  for (const { record, distrust } of tests) {
    const point = record.facts['recoveryPoint'];
    if (distrust === undefined && typeof point === 'string') last.set(point, testSeen(record));
  }
  return records.map(({ record, distrust }) => {
    const { facts, subject, begin, verdict, problems } = record;
    const recoveryPoint = text(facts['recoveryPoint']);
    return {
      selection,
      resource: text(facts['resource']),
      recoveryPoint,
      kind: text(facts['kind']),
      job: subject,
      at: begin,
      verdict,
      bytes: typeof facts['bytes'] === 'number' ? facts['bytes'] : undefined,
      detail: problems[0]?.detail ?? '',
      test: last.get(recoveryPoint),
      distrust,
    };
  });
}

function testSeen({ end, verdict, problems, facts }: Record): TestSeen {
  const restored = verdict === 'inconclusive' && facts['level'] === 'restored';
  const known = verdict === 'proven' || verdict === 'damaged' ? verdict : 'inconclusive';
  return { at: end, verdict: restored ? 'restored' : known, detail: problems[0]?.detail ?? '' };
}

function text(fact: unknown): string {
  return typeof fact === 'string' ? fact : '';
}
