// What a database has from when it was created: its encoding, and how it sorts and classifies text. Pure.
import { identifier, literal } from './session.ts';

/** As recorded among the settings of a database. */
export interface Locale {
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  /** As in `pg_database`: `c` for that of the system, `i` for ICU, `b` for PostgreSQL's own. */
  readonly provider: string;
  readonly locale: string;
  readonly rules: string;
}

/** What the recorded settings of a database say. */
export function localeOf(settings: Readonly<Record<string, string>>): Locale {
  const { encoding = 'UTF8', collate = 'C', ctype = 'C' } = settings;
  const { provider = 'c', locale = '', icuRules = '' } = settings;
  return { encoding, collate, ctype, provider, locale, rules: icuRules };
}

/** The first servers that can have a locale of ICU for a whole database, its rules, and a locale of their own. */
const [ICU, RULES, BUILTIN] = [15, 16, 17] as const;

/** SQL that makes such a database on a server of that version. */
export function createDatabase(database: string, locale: Locale, major: number): string {
  const { encoding, collate, ctype, provider, locale: name, rules } = locale;
  const parts = [
    `CREATE DATABASE ${identifier(database)} TEMPLATE template0 ENCODING ${literal(encoding)}`,
    `LC_COLLATE ${literal(collate)} LC_CTYPE ${literal(ctype)}`,
  ];
  if (major >= ICU && provider === 'i') {
    parts.push(`LOCALE_PROVIDER icu ICU_LOCALE ${literal(name)}`);
    if (major >= RULES && rules !== '') parts.push(`ICU_RULES ${literal(rules)}`);
  } else if (major >= BUILTIN && provider === 'b') {
    parts.push(`LOCALE_PROVIDER builtin BUILTIN_LOCALE ${literal(name)}`);
  } else if (provider !== 'c') {
    // A server that is too old for it refuses it, as it would refuse a locale that is not there.
    parts.push('LOCALE_PROVIDER unknown');
  }
  return parts.join(' ');
}
