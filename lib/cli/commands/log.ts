// `holdfast log`: what happened, the newest last, and how reliably the runs succeed.
import { knownSources, readLog, type LogEntry, type LogOptions } from '../../engine/log.ts';
import { INCIDENT_VERB, incidentLog } from '../../engine/incidents/log.ts';
import { successOf } from '../../engine/success.ts';
import { HoldfastError } from '../../errors.ts';
import { VERBS } from '../../format/record.ts';
import { displayText } from '../../format/paths.ts';
import type { SuccessSummary } from '../../policy/success.ts';
import { selectionsOf } from '../recovery-points/selections.ts';
import { assertKnown } from '../store/known-sources.ts';
import type { Invocation } from '../invocation.ts';
import { openSession } from '../session.ts';
import { timeOrAgo } from '../time.ts';
import { successText } from '../output/success-text.ts';
import { Terminal } from '../output/terminal.ts';
import { bytesText, durationText, table, timeText } from '../output/units.ts';

interface Options {
  readonly limit: string;
  readonly failed?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly verb?: readonly string[];
  readonly source?: readonly string[];
}

export async function run(
  given: string[],
  { options, signal }: Invocation<Options>,
): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const limit = limitOf(options.limit);
  const names = [...new Set([...given, ...(options.source ?? [])])];
  await using session = await openSession({ options, signal, signing: 'none' });
  const { engine, config } = session;
  const configured = config?.sources.map(({ name }) => name) ?? [];
  const selections = selectionsOf(config).map((one) => one.name);
  const known = [
    ...new Set([...configured, ...selections, ...(await knownSources(engine)).keys()]),
  ];
  const sources = known.filter((one) => names.length === 0 || names.includes(one));
  assertKnown(names, known);
  const wanted = { limit, ...wantedOf(options, engine.now()) };
  const acts = sources.length === 0 ? [] : await readLog(engine, { sources, ...wanted });
  const entries = [
    ...acts,
    ...(isAskedForIncidents(wanted)
      ? await incidentLog(engine, { sources: names, ...wanted })
      : []),
  ]
    .sort((a, b) => Date.parse(a.begin) - Date.parse(b.begin))
    .slice(-limit);
  const success: { source: string; summary: SuccessSummary }[] = [];
  const now = engine.now();
  // `status` judges recovery points of AWS Backup by the schedule of their plan.
  for (const source of sources.filter((one) => !selections.includes(one)))
    success.push({ source, summary: await successOf(engine, source, now) });
  if (entries.length === 0) terminal.note(`${engine.store.url} holds no such act`);
  else for (const line of table([HEAD, ...entries.map(rowOf)])) terminal.line(line);
  if (entries.length === limit) terminal.note(`the newest ${limit}; --limit shows more`);
  if (entries.length > 0) terminal.line();
  for (const { source, summary } of success) terminal.line(`${source}: ${successText(summary)}`);
  terminal.document({
    command: 'log',
    store: engine.store.url,
    entries,
    success: success.map(({ source, summary }) => ({ source, days: 30, ...summary })),
  });
  return 0;
}

function wantedOf(
  { failed, verb, since, until }: Options,
  now: Date,
): Omit<LogOptions, 'sources' | 'limit'> {
  return {
    failed: failed === true,
    verbs: verb?.map(verbOf),
    since: since === undefined ? undefined : timeOrAgo('--since', since, now).begin,
    until: until === undefined ? undefined : timeOrAgo('--until', until, now).end,
  };
}

/** An incident is no run, and so none that did not end well. */
function isAskedForIncidents({ failed, verbs }: Pick<LogOptions, 'failed' | 'verbs'>): boolean {
  return !failed && (verbs === undefined || verbs.includes(INCIDENT_VERB));
}

const ALLOWED: readonly string[] = [...VERBS, INCIDENT_VERB];

function verbOf(text: string): string {
  const verb = ALLOWED.find((one) => one === text);
  if (verb !== undefined) return verb;
  throw new HoldfastError('USAGE', `--verb "${text}" is no act; allowed: ${ALLOWED.join(', ')}`);
}

function limitOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new HoldfastError('USAGE', `--limit "${text}" is no number from 1 on`);
}

const HEAD = ['time', 'source', 'act', 'verdict', 'took', 'bytes', 'who', 'signed by', 'about'];

function rowOf(entry: LogEntry): string[] {
  const { source, verb, subject, verdict, begin, durationMs, who, bytes, detail, distrust } = entry;
  const isBackup = verb === 'backup' && who === entry.signedBy;
  const about = [subject, distrust ?? detail].filter((text) => text !== '').join('  ');
  return [
    timeText(new Date(begin)),
    source,
    verb,
    distrust === undefined ? verdict : 'untrusted',
    verb === INCIDENT_VERB ? '' : durationText(durationMs),
    bytes === undefined ? '' : bytesText(bytes),
    isBackup ? '' : displayText(who),
    displayText(entry.signedBy),
    displayText(about),
  ];
}
