// The proof that everything kept gets again and again: each entry's content, those first that were looked at the longest ago.
import { verifyBackup } from '../engine/verify.ts';
import { HoldfastError } from '../errors.ts';
import { isTask } from '../config/config.ts';
import type { RunsOn } from '../names/aws.ts';
import type { ContentEvent } from './events.ts';
import type { Invocation } from './invocation.ts';
import { errorFields } from './logger.ts';
import { assertTold, dueForContent, type BackupName, type Wanted } from './due-verifications.ts';
import { sourceConfig } from './source-config.ts';

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
/**
 * Verifies the content of every backup that was not looked at since then, or not for as many months as the configuration says. Without a source in
 * the event, those of all sources, also of some that the configuration no longer names; but not of those on tasks, which have an event each.
 *
 * `CANCELLED` when the time did not suffice: what was done is kept as evidence, and the same event again goes on with the rest.
 */
export async function verifyContent(
  invocation: Invocation,
  event: ContentEvent,
): Promise<ContentReport> {
  const { engine, log, publish, runsOn } = invocation;
  const due = await dueForContent(engine, wantedOf(invocation, event));
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
      if (error.code === 'CANCELLED') throw outOfTime({ done, all: due.length, runsOn }, error);
      if (!LASTING.includes(error.code)) throw error;
      log.error(`${name} cannot be verified`, errorFields(error));
      skipped.push(name);
    }
  }
  return { outcome: 'verified', backups: due.length - skipped.length, damaged, skipped };
}

/** `USAGE` for a task that is not told which source is its own. */
function wantedOf({ config, runsOn }: Invocation, { source, since }: ContentEvent): Wanted {
  const contentMonths = config.aws?.contentMonths ?? 1;
  if (source !== undefined) {
    const { name } = sourceConfig(config, source, runsOn);
    return { since, contentMonths, source: name, without: new Set() };
  }
  if (runsOn === 'task') {
    throw new HoldfastError(
      'USAGE',
      'a task verifies the content of one source, and the event names none',
      {
        hint: 'Send { "level": "content", "source": "NAME", "at": "2026-11-22T03:00:00Z" }.',
      },
    );
  }
  const without = new Set(config.sources.filter(isTask).map(({ name }) => name));
  return { since, contentMonths, source: undefined, without };
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

const BY_HAND = 'run `holdfast verify --all --level content` from the command line or in CI';
/** What helps when not even one backup fits into the time. */
const MORE_TIME = {
  function: `set \`runOn: task\` for its source, or ${BY_HAND}`,
  task: BY_HAND,
} as const satisfies Record<RunsOn, string>;

interface Progress {
  readonly done: number;
  readonly all: number;
  readonly runsOn: RunsOn;
}

function outOfTime({ done, all, runsOn }: Progress, cause: HoldfastError): HoldfastError {
  return new HoldfastError(
    'CANCELLED',
    `the ${runsOn}'s time was nearly over after ${done} of ${all} backups; the next attempt goes on with the rest`,
    { hint: `When not even one fits into the time, ${MORE_TIME[runsOn]}.`, cause },
  );
}
