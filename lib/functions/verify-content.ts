// The proof that everything kept gets again and again: each entry's content, those first that were looked at the longest ago.
import { verifyBackup } from '../engine/verify.ts';
import { HoldfastError } from '../errors.ts';
import type { Invocation } from './invocation.ts';
import { errorFields } from './logger.ts';
import { assertTold, dueForContent, type BackupName } from './last-looks.ts';

export interface ContentReport {
  readonly outcome: 'verified';
  /** How many this run looked at. */
  readonly backups: number;
  /** As `source/id`. */
  readonly damaged: readonly string[];
  /** Those that could not be looked at: gone meanwhile, not trusted, or not readable. */
  readonly skipped: readonly string[];
}

/**
 * Verifies the content of every backup that was not looked at since `since`, or not for as many months as the configuration says.
 *
 * `CANCELLED` when the time did not suffice: what was done is kept as evidence, and the same event again goes on with the rest.
 */
export async function verifyContent(invocation: Invocation, since: Date): Promise<ContentReport> {
  const { engine, config, log, publish } = invocation;
  const due = await dueForContent(engine, since, config.aws?.contentMonths ?? 1);
  const damaged: string[] = [];
  const skipped: string[] = [];
  for (const [done, backup] of due.entries()) {
    const name = `${backup.source}/${backup.id}`;
    try {
      if (await isDamaged(invocation, backup)) {
        damaged.push(name);
        await publish({ sources: { [backup.source]: { damagedBackups: 1 } } });
      }
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      if (error.code === 'CANCELLED') throw outOfTime(done, due.length, error);
      if (!LASTING.includes(error.code)) throw error;
      log.error(`${name} cannot be verified`, errorFields(error));
      skipped.push(name);
    }
  }
  return { outcome: 'verified', backups: due.length - skipped.length, damaged, skipped };
}

const LASTING: readonly string[] = [
  'BACKUP_NOT_FOUND',
  'UNTRUSTED',
  'BACKUP_DAMAGED',
  'FORMAT_UNSUPPORTED',
];

async function isDamaged({ engine }: Invocation, backup: BackupName): Promise<boolean> {
  const result = await verifyBackup(engine, backup, 'content');
  assertTold(result);
  return result.verdict === 'damaged';
}

function outOfTime(done: number, all: number, cause: HoldfastError): HoldfastError {
  return new HoldfastError(
    'CANCELLED',
    `the function's time was nearly over after ${done} of ${all} backups; the next delivery goes on with the rest`,
    {
      hint: 'When not even one fits into the time, run `holdfast verify --all --level content` from the command line or in CI.',
      cause,
    },
  );
}
