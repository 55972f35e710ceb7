// What is still to be verified: the same event twice needs one proof, and a run that was stopped goes on where it was.
import { listStored, timeOf } from '../engine/catalog/backups.ts';
import { latestTime } from '../engine/catalog/clock.ts';
import type { Engine } from '../engine/engine.ts';
import { readRecords } from '../engine/catalog/records.ts';
import type { VerifyResult } from '../engine/verify.ts';
import { ERRORS, HoldfastError, type ErrorCode } from '../errors.ts';
import { contentDueBefore } from '../policy/upkeep.ts';
import type { ProofLevel } from '../sources/source.ts';

export interface BackupName {
  readonly source: string;
  readonly id: string;
}

/** When a backup was last looked at so closely, and what was found; undefined when it never was. */
export interface LastLook {
  readonly at: Date;
  readonly verdict: 'proven' | 'damaged';
}

/** The last look at each backup of `source` at `level` or above that a trusted key vouches for and that came to a verdict. */
export async function lastLooks(
  engine: Engine,
  source: string,
  level: ProofLevel,
  subjects?: ReadonlySet<string>,
): Promise<Map<string, LastLook>> {
  const records = await readRecords(engine, 'verify', source, {
    onProblem: () => undefined,
    ...(subjects && { subjects }),
  });
  const looks = new Map<string, LastLook>();
  for (const { record, distrust } of records) {
    const { subject, verdict, end, facts } = record;
    if (distrust !== undefined || (verdict !== 'proven' && verdict !== 'damaged')) continue;
    if (level === 'content' && facts['level'] !== 'content') continue;
    looks.set(subject, { at: new Date(end), verdict });
  }
  return looks;
}

/** The content of which backups is to be verified. */
export interface Wanted {
  /** When the look of a month began. */
  readonly since: Date;
  /** How old the last look at a backup may be. */
  readonly contentMonths: number;
  /** Undefined for those of every source. */
  readonly source: string | undefined;
  /** Sources that somebody else looks at. */
  readonly without: ReadonlySet<string>;
}

/**
 * The backups whose content is to be verified, those first that were looked at the longest ago: those that nobody has looked at yet, and those
 * whose last look is `contentMonths` old.
 */
export async function dueForContent(
  engine: Engine,
  { since, contentMonths, source: only, without }: Wanted,
): Promise<BackupName[]> {
  const before = contentDueBefore(since, contentMonths);
  const latest = latestTime(engine);
  const stored = (await listStored(engine, only)).filter(
    ({ manifest, id, source }) =>
      manifest !== undefined && timeOf(id) <= latest && !without.has(source),
  );
  const due: (BackupName & { last: number })[] = [];
  for (const source of new Set(stored.map((one) => one.source))) {
    const looks = await lastLooks(engine, source, 'content');
    for (const { id } of stored.filter((one) => one.source === source)) {
      const last = looks.get(id)?.at;
      if (last === undefined || last < before) due.push({ source, id, last: last?.getTime() ?? 0 });
    }
  }
  return due.sort((a, b) => a.last - b.last);
}

/** What a verify and a restore test have in common. */
type Told = Pick<VerifyResult, 'source' | 'id' | 'verdict' | 'problems' | 'record' | 'unrecorded'>;

/** Throws when a result proves nothing: when nothing could be found out, or nobody could write it down. */
export function assertTold(result: Told): void {
  const { source, id, verdict, problems, record, unrecorded } = result;
  const name = `${source}/${id}`;
  if (verdict === 'inconclusive') {
    const { code, detail } = problems[0] ?? { code: '', detail: 'for no stated reason' };
    const known = Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'STORE_UNAVAILABLE';
    throw new HoldfastError(known, `${name} could not be verified: ${detail}`);
  }
  if (record !== undefined) return;
  throw new HoldfastError(
    'STORE_DENIED',
    `${name} is ${verdict}, and no evidence was kept: ${unrecorded ?? 'there is no key to sign with'}`,
  );
}
