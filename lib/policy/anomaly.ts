// What looks odd about a backup that is otherwise in order: a source that lost half its files was backed up perfectly.
import { HOUR_MS } from '../durations.ts';
import { durationText } from './durations.ts';

/** What a database has of each of its tables. */
export interface TableRows {
  readonly rows: Readonly<Record<string, number>>;
  /** Which part of the database is configured: when that changes, tables come and go on purpose. */
  readonly selection: object;
}

/** What a backup holds; a quantity that its kind of source does not have is undefined. */
export interface BackupTotals {
  readonly files: number | undefined;
  readonly rows: number | undefined;
  readonly bytes: number | undefined;
}

export interface AnomalyThresholds {
  /** A note when more than this share of a quantity is gone. */
  readonly dropShare: number;
  /** A note when a quantity is more than this many times what it was. */
  readonly jumpFactor: number;
  /** Sources that were and are smaller than this are noted only if they became empty: small sources change by halves every day. */
  readonly leastFiles: number;
  readonly leastRows: number;
  readonly leastBytes: number;
}

export const DEFAULT_ANOMALY_THRESHOLDS: AnomalyThresholds = {
  dropShare: 0.5,
  jumpFactor: 3,
  leastFiles: 20,
  leastRows: 100,
  leastBytes: 1024 * 1024,
};

/** How many of the previous good backups a new one is compared with. */
const COMPARED = 7;

type Quantity = keyof BackupTotals;

export interface AnomalyNote {
  readonly code: 'empty' | 'dropped' | 'jumped';
  readonly quantity: Quantity;
  /** The median of the previous good backups. */
  readonly before: number;
  readonly now: number;
  readonly detail: string;
}

/**
 * What is odd about `totals`, compared with the previous good backups of the source, newest first.
 *
 * The measure is the median of the newest seven, so that a source that is emptied bit by bit, a third each day, is noticed as one that
 * is emptied at once. Without a previous backup there is nothing to say.
 */
export function findAnomalies(
  totals: BackupTotals,
  previous: readonly BackupTotals[],
  thresholds: AnomalyThresholds = DEFAULT_ANOMALY_THRESHOLDS,
): AnomalyNote[] {
  const least: Readonly<Record<Quantity, number>> = {
    files: thresholds.leastFiles,
    rows: thresholds.leastRows,
    bytes: thresholds.leastBytes,
  };
  const quantities: readonly Quantity[] = ['files', 'rows', 'bytes'];
  return quantities.flatMap((quantity) => {
    const now = totals[quantity];
    const seen = previous.flatMap((backup) => backup[quantity] ?? []).slice(0, COMPARED);
    const before = median(seen);
    if (now === undefined || before === undefined) return [];
    const code = compare(before, now, least[quantity], thresholds);
    if (code === undefined) return [];
    return [{ code, quantity, before, now, detail: describe(code, quantity, before, now) }];
  });
}

function compare(
  before: number,
  now: number,
  least: number,
  { dropShare, jumpFactor }: AnomalyThresholds,
): AnomalyNote['code'] | undefined {
  if (now === 0 && before > 0) return 'empty';
  if (Math.max(before, now) < least) return undefined;
  if (now < before * (1 - dropShare)) return 'dropped';
  return now > before * jumpFactor ? 'jumped' : undefined;
}

/** No more tables are named. */
const TABLES_NAMED = 10;

export interface TableNote {
  readonly code: 'empty' | 'dropped' | 'gone' | 'more';
  /** Empty for the note that counts the others. */
  readonly table: string;
  readonly detail: string;
}

/**
 * The tables that lost more than the share of their rows since the backup before, those that lost most first. Nothing is said of
 * tables that were small, and nothing at all when another selection of tables is backed up since.
 */
export function findLostRows(
  now: TableRows,
  before: TableRows,
  thresholds: AnomalyThresholds = DEFAULT_ANOMALY_THRESHOLDS,
): TableNote[] {
  if (JSON.stringify(now.selection) !== JSON.stringify(before.selection)) return [];
  const { leastRows, dropShare } = thresholds;
  const lost = Object.entries(before.rows).flatMap(([table, had]) => {
    const has = now.rows[table];
    if (had < leastRows || (has ?? 0) >= had * (1 - dropShare)) return [];
    return [{ had, has, table }];
  });
  lost.sort((a, b) => b.had - (b.has ?? 0) - (a.had - (a.has ?? 0)));
  const notes = lost.slice(0, TABLES_NAMED).map(lostRows);
  const more = lost.length - TABLES_NAMED;
  if (more <= 0) return notes;
  return [...notes, { code: 'more', table: '', detail: `${more} more tables lost rows like that` }];
}

function lostRows(lost: { table: string; had: number; has: number | undefined }): TableNote {
  const { table, had, has } = lost;
  if (has === undefined)
    return { code: 'gone', table, detail: `the table is gone, with ${had} rows` };
  const code = has === 0 ? 'empty' : 'dropped';
  return { code, table, detail: describe(code, 'rows', had, has) };
}

function describe(
  code: AnomalyNote['code'],
  quantity: Quantity,
  before: number,
  now: number,
): string {
  if (code === 'empty') return `no ${quantity}, where there were ${before}`;
  if (code === 'dropped') {
    return `${Math.round((1 - now / before) * 100)} % fewer ${quantity}: ${now} after ${before}`;
  }
  if (before === 0) return `${now} ${quantity}, where there were none`;
  return `${(now / before).toFixed(1)} times the ${quantity}: ${now} after ${before}`;
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  // The lower of the middle two: an even number of samples must not invent a value between them.
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** Many backups of one source in a short time. */
export interface Flood {
  readonly count: number;
  readonly begin: Date;
  readonly detail: string;
}

/**
 * The busiest stretch of `windowMs` when it holds more than `most` backups, or undefined. A flood cannot push out what retention
 * keeps, but it costs room, and is rarely meant.
 */
export function findFlood(
  storedAt: readonly Date[],
  { windowMs, most }: { windowMs: number; most: number } = { windowMs: HOUR_MS, most: 20 },
): Flood | undefined {
  const times = storedAt.map((time) => time.getTime()).sort((a, b) => a - b);
  let busiest = { count: 0, beginMs: 0 };
  let begin = 0;
  for (const [end, time] of times.entries()) {
    while (time - (times[begin] ?? time) > windowMs) begin += 1;
    const count = end - begin + 1;
    if (count > busiest.count) busiest = { count, beginMs: times[begin] ?? time };
  }
  if (busiest.count <= most) return undefined;
  const detail = `${busiest.count} backups within ${durationText(windowMs)}`;
  return { count: busiest.count, begin: new Date(busiest.beginMs), detail };
}
