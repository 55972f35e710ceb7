// What depends on lc_monetary: amounts of type money are written in the way of a locale, and a server without that locale reads others.
import type { Otherwise } from './compare-dumps.ts';
import type { DatabaseSession } from '../server/session.ts';

/** The setting that a server refuses when its machine lacks the locale. */
export const LC_MONETARY = 'lc_monetary';

/** Types that hold amounts: money, and arrays, domains, composites and ranges of what does. */
const AMOUNTS = `WITH RECURSIVE amounts(oid) AS (
    SELECT 'pg_catalog.money'::regtype::oid
    UNION SELECT t.oid FROM amounts a JOIN pg_type t ON t.typelem = a.oid OR t.typbasetype = a.oid
      OR EXISTS (SELECT FROM pg_attribute c WHERE c.attrelid = t.typrelid AND c.atttypid = a.oid AND NOT c.attisdropped)
      OR EXISTS (SELECT FROM pg_range r WHERE r.rngtypid = t.oid AND r.rngsubtype = a.oid))`;

/** The tables of a database whose rows hold amounts, as `schema.table`. */
export async function tablesOfMoney(session: DatabaseSession): Promise<ReadonlySet<string>> {
  const names = await session.json<string[]>(
    `${AMOUNTS} SELECT coalesce(json_agg(n.nspname || '.' || c.relname), '[]') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid IN (SELECT oid FROM amounts))`,
  );
  return new Set(names);
}

/** Whether a definition that is printed otherwise may be so because of an amount in it. */
export function mayHoldMoney({ texts }: Otherwise): boolean {
  return texts === undefined || `${texts.expected}${texts.found}`.includes('::money');
}
