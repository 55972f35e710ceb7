// The status as lines that can be read at three in the morning: what is wrong first, one block per source.
import type { SourceStatus, Status, StoreStatus } from '../../engine/status.ts';
import { displayText } from '../../format/paths.ts';
import { isUnwell, type Finding } from '../../policy/conditions/table.ts';
import { durationText as briefly } from '../../policy/durations.ts';
import type { Objectives } from '../../policy/objectives.ts';
import { newestTexts, serverText, tablesText } from './holds-text.ts';
import { successText } from './success-text.ts';
import type { Terminal } from './terminal.ts';
import { ageText, bytesText, counted, durationText, table, timeText } from './units.ts';

/** More of one sort are counted: the first ones say what it is about. */
const FINDINGS_SHOWN = 8;

const COLOURS = { fine: 'green', watch: 'yellow', alarm: 'red' } as const;

/** What was asked for. */
interface Asked {
  readonly objectives: ReadonlyMap<string, Objectives>;
  /** True when only some sources were looked at. */
  readonly named: boolean;
  /** Databases that nothing here backs up, each as a sentence without a full stop. */
  readonly notJudged: readonly string[];
}

export function statusLines(
  { at, verdict, sources, store, recoveryPoints }: Status,
  { objectives, named, notJudged }: Asked,
  terminal: Terminal,
): string[] {
  const word = (one: Status['verdict']) => terminal.paint(COLOURS[one], one.toUpperCase());
  const blocks = [
    ...sources.map((one) => ({ ...one, name: one.source })),
    ...(recoveryPoints?.resources ?? []).map((one) => ({ ...one, name: one.selection })),
    { ...store, name: 'store' },
  ];
  const names = sources.map(({ source }) => displayText(source)).join(', ');
  const all = notJudged.length === 0 ? 'everything' : 'everything that is configured';
  const fine = `${named ? names : all} ${named && sources.length > 1 ? 'are as they' : 'is as it'} should be${ageUnjudged(sources)}`;
  return [
    `${word(verdict)}  ${summaryOf(blocks, fine)}  (${timeText(at)})`,
    ...notJudged.map((text) => `  not judged: ${displayText(text)}`),
    ...sources.flatMap((one) => [
      '',
      `${word(one.verdict)}  ${terminal.paint('bold', one.source)}`,
      ...findingLines(one.findings),
      ...indented(sourceRows(one, objectives.get(one.source), at)),
    ]),
    '',
    `${word(store.verdict)}  ${terminal.paint('bold', 'store')}`,
    ...findingLines(store.findings),
    ...indented(storeRows(store)),
  ];
}

function summaryOf(
  blocks: readonly Pick<SourceStatus & { name: string }, 'name' | 'verdict' | 'findings'>[],
  fine: string,
): string {
  const named = (which: (one: (typeof blocks)[number]) => boolean) =>
    [...new Set(blocks.filter(which).map(({ name }) => name))].join(', ');
  const alarming = named((one) => one.verdict === 'alarm');
  if (alarming !== '') return `needs attention: ${alarming}`;
  const awaited = named(({ findings }) => findings.some(isUnwell));
  if (awaited !== '') return `not everything is backed up yet: ${awaited}`;
  const isFine = blocks.every((one) => one.verdict === 'fine');
  return isFine ? fine : 'nothing is urgent; some of it is worth a look';
}

/** Nothing says how old the backups of a source may become that has no schedule. */
function ageUnjudged(sources: readonly SourceStatus[]): string {
  const without = sources.filter(({ freshness }) => freshness.state === 'unscheduled');
  if (without.length === 0) return '';
  const names = without.map(({ source }) => displayText(source)).join(', ');
  return `; ${names}: no schedule, so the age is not judged`;
}

function indented(rows: readonly (readonly string[])[]): string[] {
  return table(rows.map((row) => row.map(displayText))).map((line) => `  ${line}`);
}

function findingLines(findings: readonly Finding[]): string[] {
  const lines = findings
    .slice(0, FINDINGS_SHOWN)
    .map(({ severity, code, detail }) => `  ${severity}: ${code}: ${displayText(detail)}`);
  const more = findings.length - FINDINGS_SHOWN;
  return more > 0 ? [...lines, `  … and ${more} more: --json lists them`] : lines;
}

function sourceRows(
  status: SourceStatus,
  objectives: Objectives | undefined,
  at: Date,
): string[][] {
  const { proofs, success, backups, pinned, unfinished, storedBytes, shared } = status;
  const total = Object.values(backups).reduce((sum, count) => sum + count, 0);
  const kept = [
    counted(total, 'backup'),
    ...Object.entries(backups).map(([standing, count]) => `${count} ${standing}`),
    ...(pinned.length > 0 ? [`${pinned.length} pinned`] : []),
    ...(unfinished > 0 ? [counted(unfinished, 'unfinished run')] : []),
    bytesText(storedBytes),
    ...(shared === undefined
      ? []
      : [`of which ${counted(shared.backups, 'backup')} share ${bytesText(shared.bytes)}`]),
  ];
  return [
    ['newest good', newestText(status, objectives)],
    ...databaseRows(status),
    ['next due', dueText(status, at)],
    ['restore test', restoreText(status, objectives)],
    [
      'last proof',
      proofs.length === 0
        ? 'none'
        : proofs.map((one) => `${one.level} ${ageText(one.at, at)} ago`).join(', '),
    ],
    ['kept', kept.join(', ')],
    ['runs', successText(success)],
  ];
}

function databaseRows({ database }: SourceStatus): string[][] {
  if (database === undefined) return [];
  const newest = newestTexts(database);
  return [
    ['holds', `${tablesText(database)}; ${serverText(database)}`],
    ...(newest.length === 0 ? [] : [['newest value', newest.join(', ')]]),
  ];
}

function newestText({ freshness }: SourceStatus, objectives: Objectives | undefined): string {
  const { newestGoodId, ageMs, rpo } = freshness;
  if (newestGoodId === undefined || ageMs === undefined) return 'none';
  const objective =
    objectives?.rpoMs === undefined || rpo === 'none'
      ? ''
      : ` (objective ${briefly(objectives.rpoMs)}: ${rpo})`;
  return `${newestGoodId}, ${briefly(ageMs)} old${objective}`;
}

function dueText({ configured, freshness }: SourceStatus, at: Date): string {
  if (!configured) return 'not known: it is not in the configuration';
  const { nextDueAt } = freshness;
  if (nextDueAt === undefined) return 'on request: it has no schedule';
  return `${timeText(nextDueAt)}, in ${briefly(Math.max(0, nextDueAt.getTime() - at.getTime()))}`;
}

function restoreText({ restoreTest }: SourceStatus, objectives: Objectives | undefined): string {
  const { lastProven, lastProvenAgeMs, recent, rto } = restoreTest;
  if (lastProven === undefined || lastProvenAgeMs === undefined) return 'never proven';
  const objective =
    objectives?.rtoMs === undefined ? '' : ` (objective ${briefly(objectives.rtoMs)}: ${rto})`;
  const [took = '', ...before] = recent.map((one) => durationText(one.restoreDurationMs));
  const history = before.length === 0 ? '' : `; before that in ${before.join(', ')}`;
  return `proven ${briefly(lastProvenAgeMs)} ago, restored in ${took}${objective}${history}`;
}

function storeRows({ url, capacity }: StoreStatus): string[][] {
  const { storedBytes, capacityBytes, share, growthBytesPerDay, daysUntilFull } = capacity;
  const of =
    capacityBytes === undefined || share === undefined
      ? '; no capacity is configured'
      : ` of ${bytesText(capacityBytes)} (${(share * 100).toFixed(1)} %)`;
  const rows = [
    ['place', url],
    ['stored', `${bytesText(storedBytes)}${of}`],
  ];
  if (growthBytesPerDay !== undefined)
    rows.push(['growth', growthText(growthBytesPerDay, daysUntilFull)]);
  return rows;
}

function growthText(bytesPerDay: number, daysUntilFull: number | undefined): string {
  if (bytesPerDay <= 0) return `none: ${bytesText(-bytesPerDay)} less each day`;
  const full = daysUntilFull === undefined ? '' : `, full in ${Math.round(daysUntilFull)} days`;
  return `${bytesText(bytesPerDay)} each day${full}`;
}
