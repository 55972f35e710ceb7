// Whether a restored table is what was recorded. What a table holds is recorded minutes after its recovery point was made, and it may
// have been written to in between: so what differs is damage only where it cannot have changed. Pure.
import type { Problem } from '../../errors.ts';
import { keyText, type Comparison, type HeldTable } from '../held/held.ts';

/** What is known of a restored table. */
export interface RestoredTable {
  readonly keys: readonly string[];
  readonly indexes: readonly string[];
  readonly count: number;
  /** The digests of the samples of the record, in their order; undefined for an item that is not there. */
  readonly digests: readonly (string | undefined)[];
}

/** How far a count may lie beyond both records, and be explained by what was written in between. */
const DRIFT = 0.05;
/** The same with one record, which does not say how fast a table changes. */
const DRIFT_OF_ONE = 0.5;

/** What differs between what was recorded and what was restored. */
export function compareTable(held: HeldTable, restored: RestoredTable): Comparison {
  const damage = [
    ...listProblems('the key', held.keys, restored.keys),
    ...listProblems('an index', held.indexes, restored.indexes),
  ];
  const doubt: Problem[] = [];
  const noted: Problem[] = [];
  const settled = held.samples.some((one) => one.settled);
  held.samples.forEach((sample, index) => {
    const digest = restored.digests[index];
    if (digest === sample.digest) return;
    const problem = {
      path: keyText(sample.key),
      code: digest === undefined ? 'missing' : 'differs',
      detail: `the item ${digest === undefined ? 'is missing' : 'is not what was recorded'}`,
    };
    if (sample.settled) damage.push(problem);
    else if (settled) noted.push(mayHaveChanged(problem));
    else doubt.push(mayHaveChanged(problem));
  });
  const count = countProblem(held, restored.count);
  if (count?.kind === 'damage') damage.push(count.problem);
  if (count?.kind === 'doubt') doubt.push(count.problem);
  if (count?.kind === 'noted') noted.push(count.problem);
  return { damage, doubt, noted };
}

function mayHaveChanged(problem: Problem): Problem {
  const detail = `${problem.detail}; it may have changed between the backup and the recording`;
  return { ...problem, detail, tolerated: true };
}

function listProblems(
  what: string,
  wanted: readonly string[],
  got: readonly string[],
): readonly Problem[] {
  return [
    ...wanted
      .filter((one) => !got.includes(one))
      .map((one) => ({ path: one, code: 'missing', detail: `${what} is missing` })),
    ...got
      .filter((one) => !wanted.includes(one))
      .map((one) => ({ path: one, code: 'unexpected', detail: `${what} was not recorded` })),
  ];
}

interface CountProblem {
  readonly kind: 'damage' | 'doubt' | 'noted';
  readonly problem: Problem;
}

function countProblem(held: HeldTable, got: number): CountProblem | undefined {
  const { count, counted } = held;
  const countBefore = held.countBefore ?? count;
  if (got === count) return undefined;
  const [least, most] = [Math.min(count, countBefore), Math.max(count, countBefore)];
  const problem = {
    path: '',
    code: 'count',
    detail: `${got} items were restored, and ${counted ? '' : 'about '}${count} were recorded`,
  };
  const drift = held.countBefore === null && counted ? DRIFT_OF_ONE : DRIFT;
  const within = got >= least * (1 - drift) && got <= most * (1 + drift);
  // DynamoDB's own count is hours old.
  if (!within) return { kind: counted || got === 0 ? 'damage' : 'doubt', problem };
  // Two records on either side of the recovery point say how much it changes; one does not.
  const known = held.countBefore !== null || !counted;
  return { kind: known ? 'noted' : 'doubt', problem: mayHaveChanged(problem) };
}
