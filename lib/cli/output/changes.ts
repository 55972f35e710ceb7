// Differences as lines and as JSON, whether they are between two backups or between a backup and its source.
import type { Change, DiffCount, DiffTotals } from '../../engine/diff.ts';
import { displayPath } from '../../format/paths.ts';
import type { Difference, ListedEntry } from '../../sources/source.ts';
import { jsonPath } from './json.ts';
import { bytesText, counted, grouped } from './units.ts';

/** One entry that differs, ready to be shown. */
export interface ShownChange {
  /** A byte string, or text that was escaped already. */
  readonly path: { readonly path: string; readonly pathBase64?: string };
  readonly shownPath: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly details: readonly ChangeDetail[];
  readonly bytesBefore: number | undefined;
  readonly bytesAfter: number | undefined;
  /** The rows of the table, where the entry is the data of one. */
  readonly rowsBefore?: number | undefined;
  readonly rowsAfter?: number | undefined;
}

export interface ChangeDetail {
  readonly aspect: string;
  readonly before: string;
  readonly after: string;
}

const MARKS = { added: '+', removed: '-', changed: '~' } as const;
const SIZE_WIDTH = 10;

/** A change between two backups. */
export function shownChange({ path, change, aspects, before, after }: Change): ShownChange {
  return {
    path: jsonPath(path),
    shownPath: displayPath(path),
    change,
    details: aspects.map((aspect) => ({
      aspect,
      before: before === undefined ? '' : aspectText(aspect, before),
      after: after === undefined ? '' : aspectText(aspect, after),
    })),
    bytesBefore: sizeOf(before),
    bytesAfter: sizeOf(after),
    rowsBefore: before?.rows,
    rowsAfter: after?.rows,
  };
}

function sizeOf(entry: ListedEntry | undefined): number | undefined {
  return entry?.type === 'file' || entry?.type === 'object' ? entry.size : undefined;
}

function aspectText(aspect: Change['aspects'][number], entry: ListedEntry): string {
  switch (aspect) {
    case 'type':
      return entry.type;
    case 'rows':
      return String(entry.rows ?? 0);
    case 'content':
      return `SHA-256 ${entry.sha256 ?? ''}`;
    case 'link':
      return displayPath(entry.linkTarget ?? '');
    case 'mode':
      return (entry.mode ?? 0).toString(8).padStart(4, '0');
    case 'owner':
      return entry.owner ?? '';
    case 'time':
      return modifiedAt(entry) ?? 'none';
  }
}

/** The time of an entry in ISO 8601, or undefined where none is recorded; microseconds where no date can say it. */
export function modifiedAt({ mtimeMicroseconds }: ListedEntry): string | undefined {
  if (mtimeMicroseconds === undefined) return undefined;
  const date = new Date(mtimeMicroseconds / 1000);
  return Number.isNaN(date.getTime()) ? `${mtimeMicroseconds} µs` : date.toISOString();
}

/** The differences of a comparison with a source, by entry: what is missing there was removed since, what is unexpected added. */
export function shownDifferences(differences: readonly Difference[]): ShownChange[] {
  const byPath = new Map<string, Difference[]>();
  for (const one of differences) byPath.set(one.path, [...(byPath.get(one.path) ?? []), one]);
  return [...byPath].map(([path, all]) => {
    const [first] = all;
    const change =
      first?.change === 'missing'
        ? 'removed'
        : first?.change === 'unexpected'
          ? 'added'
          : 'changed';
    const details = all.map((one) => ({
      aspect: one.change,
      before: one.expected,
      after: one.found,
    }));
    return {
      path: { path },
      shownPath: path,
      change,
      details: change === 'changed' ? details.sort(byAspect) : [],
      bytesBefore: undefined,
      bytesAfter: undefined,
    };
  });
}

const ASPECTS = ['type', 'content', 'link', 'mode', 'owner', 'time'];

function byAspect(a: ChangeDetail, b: ChangeDetail): number {
  return ASPECTS.indexOf(a.aspect) - ASPECTS.indexOf(b.aspect);
}

/**
 * `~   1.2 KiB   1.4 KiB  content/a.md  (content, mode 0644 → 0755)`, or
 * `~   9.1 KiB   8.8 KiB  public/TABLE DATA/orders  (12 rows fewer: 500 → 488)`
 */
export function changeLine(change: ShownChange): string {
  const { bytesBefore, bytesAfter, shownPath } = change;
  const size = (bytes: number | undefined) =>
    (bytes === undefined ? '' : bytesText(bytes)).padStart(SIZE_WIDTH);
  const parts = detailTexts(change);
  const how = parts.length === 0 ? '' : `  (${parts.join(', ')})`;
  return `${MARKS[change.change]} ${size(bytesBefore)} ${size(bytesAfter)}  ${shownPath}${how}`;
}

function detailTexts({ change, details, rowsBefore, rowsAfter }: ShownChange): string[] {
  const rows = rowsAfter ?? rowsBefore;
  // A table that came or went has all of its rows to tell.
  if (change !== 'changed') return rows === undefined ? [] : [counted(rows, 'row')];
  const counts = details.filter(({ aspect }) => aspect === 'rows');
  // Other rows are other content.
  return counts.length > 0 ? counts.map(rowsText) : details.map(detailText);
}

function rowsText({ before, after }: ChangeDetail): string {
  const more = Number(after) - Number(before);
  const how = more < 0 ? 'fewer' : 'more';
  return `${counted(Math.abs(more), 'row')} ${how}: ${grouped(before)} → ${grouped(after)}`;
}

/** Digests and times tell people nothing that the word does not. */
function detailText({ aspect, before, after }: ChangeDetail): string {
  const isPlain = aspect === 'time' || before.startsWith('SHA-256');
  return isPlain ? aspect : `${aspect} ${before} → ${after}`;
}

export function changeJson({
  path,
  change,
  details,
  bytesBefore,
  bytesAfter,
  rowsBefore,
  rowsAfter,
}: ShownChange): object {
  return { ...path, change, details, bytesBefore, bytesAfter, rowsBefore, rowsAfter };
}

/**
 * `2 entries added (10 KiB), 1 removed (1 B), 3 changed (1 KiB → 2 KiB; 1 by time alone), 20 unchanged`; of a database
 * `…; 3,447 → 3,440 rows: 5 gained, 12 lost`
 */
export function totalsText(totals: DiffTotals): string {
  const { added, removed, changed, timeOnly, unchanged, rows } = totals;
  const size = ({ bytesBefore, bytesAfter }: DiffCount) => bytesText(bytesBefore + bytesAfter);
  const times = timeOnly === 0 ? '' : `; ${timeOnly} by time alone`;
  const [one, many] = rows === undefined ? ['entry', 'entries'] : ['object', 'objects'];
  const parts = [
    added.entries > 0 && `${counted(added.entries, one, many)} added (${size(added)})`,
    removed.entries > 0 && `${removed.entries} removed (${size(removed)})`,
    changed.entries > 0 &&
      `${changed.entries} changed (${bytesText(changed.bytesBefore)} → ${bytesText(changed.bytesAfter)}${times})`,
    `${unchanged} unchanged`,
  ];
  const text = parts.filter((part) => part !== false).join(', ');
  return rows === undefined ? text : `${text}; ${rowTotals(rows)}`;
}

function rowTotals({ before, after, gained, lost }: NonNullable<DiffTotals['rows']>): string {
  if (gained === 0 && lost === 0) return `${counted(after, 'row')} in both`;
  const ways = [gained > 0 && `${grouped(gained)} gained`, lost > 0 && `${grouped(lost)} lost`];
  return `${grouped(before)} → ${counted(after, 'row')}: ${ways.filter((one) => one !== false).join(', ')}`;
}
