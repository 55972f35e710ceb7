// What a backup holds, in the words of its kind of source: files of a folder; tables and rows of a database.
import { databaseSummary, type DatabaseSummary, type Manifest } from '../../format/manifest.ts';
import { counted } from './units.ts';

/** `25 files`, or `9 tables, 3,655 rows`. */
export function holdsText({ totals, database }: Pick<Manifest, 'totals' | 'database'>): string {
  if (database === undefined) return counted(totals.files, 'file');
  return tablesText(databaseSummary(database));
}

export function tablesText({ tables, rows }: DatabaseSummary): string {
  return `${counted(tables, 'table')}, ${counted(rows, 'row')}`;
}

/** `PostgreSQL 15.18`: without what a distribution adds. */
export function serverText({ serverVersion }: Pick<DatabaseSummary, 'serverVersion'>): string {
  return `PostgreSQL ${serverVersion.split(' ')[0] ?? ''}`;
}

/** `public.orders.created_at 2026-11-22 08:28:35 UTC`, one for each configured column. */
export function newestTexts({ newest }: Pick<DatabaseSummary, 'newest'>): string[] {
  return Object.entries(newest).map(([column, value]) => `${column} ${newestText(value)}`);
}

/** Years as people count them: `0044-03-15 00:00:00 UTC BC` for the year -43 of ISO 8601. */
function newestText(value: string | null): string {
  if (value === null) return 'none';
  const [, sign, year = '', rest = ''] = /^([+-]?)(\d+)(-.*T.*)\.\d+Z$/.exec(value) ?? [];
  if (sign === undefined) return value;
  const before = sign === '-' || Number(year) === 0;
  const shown = String(before ? Number(year) + 1 : Number(year)).padStart(4, '0');
  return `${shown}${rest.replace('T', ' ')} UTC${before ? ' BC' : ''}`;
}
