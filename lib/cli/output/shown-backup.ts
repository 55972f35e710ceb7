// A backup as lines: what it is, what it is worth and why, and how to restore it.
import type { ActOnBackup, ShownBackup } from '../../engine/show.ts';
import type { Manifest } from '../../format/manifest.ts';
import { displayText } from '../../format/paths.ts';
import { placeText } from '../../format/place.ts';
import { nameOf } from '../../sources/postgres/dump/surroundings.ts';
import { needsSeveral } from '../../sources/postgres/dump/transactions.ts';
import { holdsText, newestTexts, serverText } from './holds-text.ts';
import { problemLines } from './problems.ts';
import type { Terminal } from './terminal.ts';
import { bytesText, counted, durationText, table, timeText } from './units.ts';

/** Everything about the backup but its contents; the standing comes first. `fetch` gets its artifacts for a restore by hand. */
export function backupLines(
  shown: ShownBackup,
  fetch: readonly string[],
  terminal: Terminal,
): string[] {
  const { backup, acts, byHand, problems } = shown;
  const { source, id, standing, good, manifest } = backup;
  const colour = good ? 'green' : standing === 'unproven' ? 'yellow' : 'red';
  return [
    `${source}/${id}  ${terminal.paint(colour, standing)}`,
    ...table(factRows(shown)).map((line) => `  ${line}`),
    ...problemLines(manifest.problems, manifest.problemCount).map((line) => `  ${line}`),
    ...problemLines(problems).map((line) => `  ${line}`),
    ...tableLines(manifest),
    'artifacts',
    ...table(
      manifest.artifacts.map(({ role, bytes, key }) => [role, bytesText(bytes), displayText(key)]),
    ).map((line) => `  ${line}`),
    ...manifest.artifacts.map(({ role, sha256 }) => `  sha256 of the ${role}: ${sha256}`),
    'what was done with it',
    ...(acts.length === 0 ? ['  nothing yet'] : table(acts.map(actRow)).map((line) => `  ${line}`)),
    ...byHandLines(manifest, [...fetch, ...byHand.check, ...byHand.restore, ...byHand.recheck]),
  ];
}

/** Commands that end with the first one that fails. */
function byHandLines({ database, artifacts }: Manifest, commands: readonly string[]): string[] {
  const folder = artifacts.some(({ role }) => role === 'archive');
  return [
    `to restore it without Holdfast${folder ? ', where FOLDER is a new folder' : ''}`,
    ...(database === undefined
      ? []
      : [
          '  # PGHOST, PGPORT, PGUSER and PGPASSWORD say which server; of its roles, errors that say "already exists" are fine',
        ]),
    ...commands.map((line, i) => `  ${displayText(line)}${i < commands.length - 1 ? ' &&' : ''}`),
  ];
}

/** As people know it, and whether it can be read. */
function classText(storageClass: string): string {
  if (storageClass === 'GLACIER_IR') return 'Glacier Instant Retrieval, which is read at once';
  return ['GLACIER', 'DEEP_ARCHIVE'].includes(storageClass)
    ? `${storageClass}: it has to be called back before it can be read, which takes hours`
    : storageClass;
}

function factRows({ backup, shared }: ShownBackup): string[][] {
  const { why, distrust, signedBy, manifest, pinnedBy, storedBytes, storageClass, hidden } = backup;
  const {
    totals,
    trigger,
    begin,
    end,
    git,
    package: pack,
    place,
    database,
    origin,
    tools,
  } = manifest;
  const tookMs = Math.max(0, Date.parse(end) - Date.parse(begin));
  // A backup that was not made from its source is as old as what it was made from.
  const made =
    origin === undefined
      ? `${timeText(new Date(begin))}, in ${durationText(tookMs)}`
      : `${timeText(new Date(end))}, as of ${timeText(new Date(begin))}`;
  const rows: (string[] | undefined)[] = [
    ['why', why],
    ['signed by', distrust === undefined ? signedBy : `nobody who is trusted: ${distrust}`],
    ['triggered', `${trigger.kind}, for ${timeText(new Date(trigger.at))}`],
    ['made', made],
    ['status', statusText(manifest)],
    ['content', contentText(manifest)],
    ...databaseRows(manifest),
    needsSeveral(manifest, backup.tested)
      ? ['restored', 'in several transactions only (--several-transactions), to a new database']
      : undefined,
    [
      'stored',
      database === undefined
        ? `${bytesText(storedBytes)}; read ${bytesText(totals.readBytes)}, reused ${bytesText(totals.reusedBytes)}`
        : bytesText(storedBytes),
    ],
    shared.with.length === 0 ? undefined : ['shared', sharedText(shared)],
    storageClass === undefined ? undefined : ['lies in', classText(storageClass)],
    place && [database === undefined ? 'place' : 'configured in', placeText(place)],
    git && ['git', gitText(git)],
    pack && ['package', [pack.name, pack.version].filter((part) => part !== undefined).join(' ')],
    origin && ['made from', `${origin.from.join(', ')}: ${origin.reason}`],
    [
      'made with',
      Object.entries(tools)
        .map((tool) => tool.join(' '))
        .join(', '),
    ],
    pinnedBy.length > 0 ? ['pinned', 'no retention policy releases it'] : undefined,
    hidden.length > 0 ? ['hidden', `deleted or overwritten: ${hidden.join(', ')}`] : undefined,
  ];
  return rows.filter((row) => row !== undefined).map((row) => row.map(displayText));
}

/** The last ones that have it too: `3.1 GiB, with 12 backups: … and 9 more`. */
function sharedText({ bytes, with: others }: ShownBackup['shared']): string {
  const shown = others.slice(-SHARERS_SHOWN);
  const more = others.length - shown.length;
  const names = [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ');
  return `${bytesText(bytes)} of it, with ${counted(others.length, 'backup')}: ${names}`;
}

function contentText({ totals, database }: Manifest): string {
  const entries =
    database === undefined
      ? counted(totals.entries, 'entry', 'entries')
      : counted(totals.entries, 'object');
  return `${holdsText({ totals, database })} in ${entries}, ${bytesText(totals.contentBytes)}`;
}

/** Where the rows of a database came from, what is in it besides, and how far it had got. */
function databaseRows({ database }: Manifest): string[][] {
  if (database === undefined) return [];
  const { clientVersion, counts, extensions, newest, settings } = database;
  const name = nameOf(settings);
  const besides = Object.entries(BESIDES).flatMap(([name, [one, many]]) => {
    const count = counts[name] ?? 0;
    return count === 0 ? [] : [counted(count, one, many)];
  });
  const installed = Object.entries(extensions).map((one) => one.join(' '));
  return [
    [
      'database',
      `${name === undefined ? '' : `${name}, `}${serverText(database)}, by pg_dump ${clientVersion}`,
    ],
    ...(besides.length === 0 ? [] : [['besides', besides.join(', ')]]),
    ...(installed.length === 0 ? [] : [['extensions', installed.join(', ')]]),
    ...(Object.keys(newest).length === 0
      ? []
      : [['newest value', newestTexts(database).join(', ')]]),
  ];
}

const BESIDES: Readonly<Record<string, readonly [string, string]>> = {
  views: ['view', 'views'],
  materializedViews: ['materialized view', 'materialized views'],
  functions: ['function', 'functions'],
  triggers: ['trigger', 'triggers'],
  policies: ['policy', 'policies'],
  sequences: ['sequence', 'sequences'],
  largeObjects: ['large object', 'large objects'],
};
const TABLES_SHOWN = 20;
const SHARERS_SHOWN = 3;

/** The largest tables of a database, with their rows. */
function tableLines({ database }: Manifest): string[] {
  if (database === undefined) return [];
  const tables = Object.entries(database.rows).sort(([, one], [, other]) => other - one);
  const shown = tables
    .slice(0, TABLES_SHOWN)
    .map(([name, rows]) => [displayText(name), counted(rows, 'row')]);
  const more = tables.length - TABLES_SHOWN;
  return [
    'rows',
    ...table(shown).map((line) => `  ${line}`),
    ...(more > 0 ? [`  … and ${counted(more, 'smaller table')}: --json lists them`] : []),
  ];
}

function statusText({ status, problems, problemCount }: Manifest): string {
  const noted = problems.filter(({ tolerated }) => tolerated === true).length;
  const counting = problemCount - noted;
  const parts = [
    counting > 0 && counted(counting, 'problem'),
    noted > 0 && `${noted} noted and tolerated`,
  ].filter((part) => part !== false);
  return [status, ...parts].join(', ');
}

function gitText({ commit, branch, tag, dirty }: NonNullable<Manifest['git']>): string {
  const parts = [commit, branch && `on ${branch}`, tag && `tag ${tag}`, dirty && 'with changes'];
  return parts.filter((part) => typeof part === 'string' && part !== '').join(', ');
}

function actRow(act: ActOnBackup): string[] {
  const { verb, level, verdict, begin, durationMs, who, note, problems, distrust } = act;
  const [problem] = problems;
  const remark =
    distrust ?? note ?? (problem && `${problem.path} ${problem.code}: ${problem.detail}`);
  return [
    timeText(new Date(begin)),
    verb,
    distrust === undefined ? verdict : 'untrusted',
    verb === 'verify' ? (level ?? '') : '',
    durationText(durationMs),
    displayText(who),
    displayText(remark ?? ''),
  ];
}
