// `holdfast show`: what a backup is, what it holds, and what changed since the one before it.
import { openBackup, resolveBackup } from '../../engine/catalog/backups.ts';
import { diffBackups, type BackupName, type DiffTotals } from '../../engine/diff.ts';
import type { Engine } from '../../engine/engine.ts';
import { contentsOf, showBackup, type ContentLine, type ShownBackup } from '../../engine/show.ts';
import { HoldfastError } from '../../errors.ts';
import { displayPath } from '../../format/paths.ts';
import { needsSeveral } from '../../sources/postgres/dump/transactions.ts';
import { effectiveTime } from '../../policy/order.ts';
import {
  changeJson,
  changeLine,
  modifiedAt,
  shownChange,
  totalsText,
  type ShownChange,
} from '../output/changes.ts';
import { jsonPath, ListDocument } from '../output/json.ts';
import type { Invocation } from '../invocation.ts';
import { openSession, type Session } from '../session.ts';
import { backupLines } from '../output/shown-backup.ts';
import { aboutStore } from '../store/about.ts';
import { meantPaths } from '../restore/restoring.ts';
import { Terminal } from '../output/terminal.ts';
import { bytesText, counted, timeText } from '../output/units.ts';

const FIRST_CHANGES = 10;

export async function run(
  [name = '', ...paths]: string[],
  { options, signal }: Invocation<{ all?: boolean }>,
): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  await using session = await openSession({ options, signal, signing: 'none' });
  const { engine } = session;
  const found = await resolveBackup(engine, name);
  const byHand = aboutStore(engine.store.url).byHand();
  const shown = await showBackup(engine, found, byHand.placeOf);
  const { backup } = shown;
  if (paths.length === 0)
    for (const line of backupLines(shown, byHand.fetch(), terminal)) terminal.line(line);
  const changes = paths.length === 0 ? await changesOf(engine, shown) : undefined;
  const head = {
    ...headOf(engine, shown, byHand.fetch()),
    changes: changes && changesJson(changes),
  };
  const document = new ListDocument(terminal, head, 'contents');
  try {
    const all = options.all === true;
    if (paths.length === 0) terminal.line(all ? 'everything in it' : 'in it');
    const meant = await meantIn(session, backup, paths, terminal);
    await sayContents(terminal, document, contentsOf(engine, backup, { paths: meant, all }));
  } catch (error) {
    if (!terminal.json) throw error;
    return document.fail(error);
  }
  if (changes !== undefined) sayChanges(terminal, changes);
  document.end({});
  return 0;
}

async function meantIn(
  session: Session,
  { source, id }: BackupName,
  paths: readonly string[],
  terminal: Terminal,
): Promise<string[]> {
  if (paths.length === 0) return [];
  const note = (text: string) => terminal.note(text);
  return meantPaths(session, await openBackup(session.engine, source, id), paths, { note });
}

async function sayContents(
  terminal: Terminal,
  document: ListDocument,
  lines: AsyncIterable<ContentLine>,
): Promise<void> {
  for await (const line of lines) {
    terminal.line(`  ${contentText(line)}`);
    document.item(contentJson(line));
  }
}

/** `drwxr-xr-x   12.0 KiB  2026-11-22 02:00:09 UTC  content/  3 files` */
function contentText(line: ContentLine): string {
  const { path, entry, bytes, objects } = line;
  const folder = path.endsWith('/');
  const size = folder || entry?.type === 'file' || objects > 0 ? bytesText(bytes) : '';
  const time = entry?.mtimeMicroseconds;
  const date = time === undefined ? undefined : new Date(time / 1000);
  const when = date === undefined || Number.isNaN(date.getTime()) ? '' : timeText(date);
  const link = entry?.linkTarget === undefined ? '' : ` -> ${displayPath(entry.linkTarget)}`;
  const key = entry?.objectKey === undefined ? '' : `  key ${displayPath(entry.objectKey)}`;
  const below = belowText(line);
  // Where no mode is recorded there is no time either.
  if (objects > 0) return `${size.padStart(10)}  ${displayPath(path)}${below}`;
  return `${modeText(entry)}  ${size.padStart(10)}  ${when.padEnd(23)}  ${displayPath(path)}${link}${key}${below}`;
}

function belowText({ path, files, objects, rows }: ContentLine): string {
  const counts = [
    path.endsWith('/') && (objects > 0 ? counted(objects, 'object') : counted(files, 'file')),
    rows !== undefined && counted(rows, 'row'),
  ].filter((one) => one !== false);
  return counts.length === 0 ? '' : `  ${counts.join(', ')}`;
}

/** As `ls -l` writes it; ten spaces where no mode is recorded. */
function modeText(entry: ContentLine['entry']): string {
  if (entry?.mode === undefined) return ' '.repeat(10);
  const { mode, type } = entry;
  const triple = (shift: number, special: number, letter: string) => {
    const bits = mode >> shift;
    const x = (bits & 1) !== 0;
    const last = (mode & special) !== 0 ? (x ? letter : letter.toUpperCase()) : x ? 'x' : '-';
    return `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}${last}`;
  };
  const first = type === 'directory' ? 'd' : type === 'symlink' ? 'l' : '-';
  return first + triple(6, 0o4000, 's') + triple(3, 0o2000, 's') + triple(0, 0o1000, 't');
}

function contentJson({ path, entry, files, bytes, objects, rows }: ContentLine): object {
  const mode = entry?.mode?.toString(8).padStart(4, '0');
  return {
    ...jsonPath(path),
    type: entry?.type ?? 'directory',
    bytes,
    ...(path.endsWith('/') && (objects > 0 ? { objects } : { files })),
    rows,
    ...(mode !== undefined && {
      mode,
      owner: entry?.owner,
      modifiedAt: entry && modifiedAt(entry),
    }),
    ...(entry?.linkTarget !== undefined && { linkTarget: jsonPath(entry.linkTarget).path }),
    ...(entry?.sha256 !== undefined && { sha256: entry.sha256 }),
    ...keyJson(entry?.objectKey),
  };
}

function keyJson(objectKey: string | undefined): object {
  if (objectKey === undefined) return {};
  const { path, pathBase64 } = jsonPath(objectKey);
  return { objectKey: path, ...(pathBase64 !== undefined && { objectKeyBase64: pathBase64 }) };
}

interface ShownChanges {
  readonly since: string;
  /** Undefined when the two could not be compared. */
  readonly totals: DiffTotals | undefined;
  readonly first: readonly ShownChange[];
  readonly error: string | undefined;
}

async function changesOf(
  engine: Engine,
  { backup, previous }: ShownBackup,
): Promise<ShownChanges | undefined> {
  if (previous === undefined || (backup.distrust !== undefined && !engine.trustAnyone))
    return undefined;
  const before: BackupName = { source: backup.source, id: previous };
  const first: ShownChange[] = [];
  try {
    const totals = await diffBackups(engine, before, backup, (change) => {
      // What has another time and nothing else tells least: those are in the count.
      const timeOnly = change.aspects.length === 1 && change.aspects[0] === 'time';
      if (first.length < FIRST_CHANGES && !timeOnly) first.push(shownChange(change));
    });
    return { since: previous, totals, first, error: undefined };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code === 'CANCELLED') throw error;
    return { since: previous, totals: undefined, first: [], error: error.message };
  }
}

function changesJson({ since, totals, first, error }: ShownChanges): object {
  return { since, totals, first: first.map(changeJson), error };
}

function sayChanges(terminal: Terminal, { since, totals, first, error }: ShownChanges): void {
  terminal.line(`since ${since}`);
  terminal.line(`  ${totals === undefined ? `not known: ${error ?? ''}` : totalsText(totals)}`);
  for (const one of first) terminal.line(`  ${changeLine(one)}`);
}

function headOf(engine: Engine, shown: ShownBackup, fetch: readonly string[]): object {
  const { backup, acts, previous, shared, byHand, problems } = shown;
  const { source, id, time, storedAt, standing, good, why, distrust, signedBy } = backup;
  const { pinnedBy, storedBytes, storageClass, manifest, digest, tested } = backup;
  return {
    command: 'show',
    store: engine.store.url,
    source,
    id,
    time,
    storedAt,
    effectiveTime: effectiveTime(backup),
    standing,
    good,
    why,
    distrust,
    signedBy,
    pinned: pinnedBy.length > 0,
    ...(backup.hidden.length > 0 && { hidden: backup.hidden }),
    storedBytes,
    ...(shared.with.length > 0 && { shared }),
    ...(storageClass !== undefined && { storageClass }),
    previous,
    ...(needsSeveral(manifest, tested) && { transactions: 'several' }),
    manifestSha256: digest,
    manifest,
    acts,
    byHand: { ...(fetch.length > 0 && { fetch }), ...byHand },
    problems,
  };
}
