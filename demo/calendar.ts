// Thirteen months of daily backups under a clock that is passed in, and what the retention policy keeps of them.
import fs from 'node:fs/promises';
import path from 'node:path';
import { backupSource } from '../lib/engine/backup.ts';
import type { Engine } from '../lib/engine/engine.ts';
import { pruneSource, type PruneResult } from '../lib/engine/prune.ts';
import { verifyBackup } from '../lib/engine/verify.ts';
import { backupId } from '../lib/format/ids.ts';
import { DAY_MS } from '../lib/durations.ts';
import { ALWAYS_KEPT, DEFAULT_RETENTION } from '../lib/policy/retention-policy.ts';
import { counted, durationText, table } from '../lib/cli/output/units.ts';
import { calendarStore } from './calendar-store.ts';
import { folderSource, SOURCE, type Stage } from './stage.ts';

const FIRST_DAY = new Date('2025-03-01T02:00:00.000Z');
const LAST_DAY = new Date('2026-03-31T02:00:00.000Z');
const PRUNE = { policy: DEFAULT_RETENTION, intervalMs: DAY_MS, dryRun: false };
/** More than it ever takes. */
const MAX_RUNS = 50;

export async function showCalendar(stage: Stage): Promise<void> {
  const { story } = stage;
  const { daily, weekly, monthly } = DEFAULT_RETENTION;
  story.section('Prune: thirteen months of daily backups');
  const clock = { now: FIRST_DAY };
  const now = () => clock.now;
  const engine: Engine = { ...stage.engine, store: calendarStore(now), now };
  const begin = performance.now();
  story.tell('only the clock is simulated (and the store is kept in memory)');
  const made = await backUpDaily({ ...stage, engine }, clock);
  const pruned = await pruneToTheEnd(engine);
  story.tell(
    `${made.days} real backups of a small folder, one for each day from ${dayOf(FIRST_DAY)} to ${dayOf(LAST_DAY)}, each verified;`,
  );
  story.tell(
    `pruned once a week, and at the end until nothing more went: ${made.released + pruned.released} released, in ${durationText(performance.now() - begin)}`,
  );
  const { result } = pruned;
  const { days } = made;
  story.tell(`policy: ${daily} daily, ${weekly} weekly, ${monthly} monthly`);
  const rows = result.keep.map(({ id, reasons }) => [id, reasons.join(', ')]);
  for (const line of table(rows)) story.tell(`  ${line}`);
  expectPolicy(stage, result);
  for (const { id } of result.keep) {
    const { verdict } = await verifyBackup(engine, { source: SOURCE, id }, 'content');
    if (verdict !== 'proven') story.expect(false, `${id} is proven`, verdict);
  }
  story.expect(true, 'each of them still is proven, content and all', '');
  story.proven(
    'pruned by policy',
    `${days} daily backups → ${result.keep.length} kept, each with its reason`,
  );
}

interface Daily {
  readonly days: number;
  readonly released: number;
}

async function backUpDaily(stage: Stage, clock: { now: Date }): Promise<Daily> {
  const { engine, work } = stage;
  const folder = path.join(work, 'calendar');
  await fs.mkdir(folder);
  await fs.writeFile(path.join(folder, 'about.txt'), 'what never changes\n');
  const source = folderSource(folder, path.join(work, 'store'), []);
  let days = 0;
  let released = 0;
  for (let at = FIRST_DAY; at <= LAST_DAY; at = new Date(at.getTime() + DAY_MS)) {
    clock.now = at;
    await fs.writeFile(path.join(folder, 'today.txt'), `written on ${dayOf(at)}\n`);
    const backup = await backupSource(engine, source, {
      trigger: { kind: 'schedule', at },
      full: false,
    });
    await verifyBackup(engine, backup, 'digest');
    days++;
    if (days % 7 === 0) released += (await pruneSource(engine, SOURCE, PRUNE)).release.length;
  }
  return { days, released };
}

/** A run releases at most a fifth of what is there, so one is not always enough. */
async function pruneToTheEnd(engine: Engine): Promise<{ result: PruneResult; released: number }> {
  let released = 0;
  for (let runs = 1; ; runs++) {
    const result = await pruneSource(engine, SOURCE, PRUNE);
    released += result.release.length;
    if (result.release.length === 0 || runs === MAX_RUNS) return { result, released };
  }
}

/** What should be kept, worked out from the dates alone: the last days, and the first of the last weeks and months. */
function expectPolicy({ story }: Stage, { keep }: PruneResult): void {
  const { daily, weekly, monthly } = DEFAULT_RETENTION;
  const days = [];
  for (let at = LAST_DAY; at >= FIRST_DAY; at = new Date(at.getTime() - DAY_MS)) days.push(at);
  const mondays = days.filter((day) => day.getUTCDay() === 1);
  const firsts = days.filter((day) => day.getUTCDate() === 1);
  const wanted = [
    ...days.slice(0, Math.max(daily, ALWAYS_KEPT)),
    ...mondays.slice(0, weekly),
    ...firsts.slice(0, monthly),
  ];
  const expected = new Set(wanted.map((at) => backupId({ kind: 'schedule', at })));
  const kept = keep.map(({ id }) => id);
  story.expect(
    kept.length === expected.size && kept.every((id) => expected.has(id)),
    `${counted(kept.length, 'backup')} kept: the last ${daily} days, the first of the last ${weekly} weeks and ${monthly} months`,
    `kept ${kept.join(', ')}`,
  );
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
