// The secrets that RDS makes and rotates: JSON of a user, a password and, in some of them, of a host, a port and a database. Pure.
import { HoldfastError } from '../../../errors.ts';

/** What such a secret calls things, and what libpq does. */
const NAMES: Readonly<Record<string, string>> = {
  username: 'user',
  user: 'user',
  password: 'password',
  host: 'host',
  port: 'port',
  dbname: 'dbname',
  database: 'dbname',
  ssl: 'ssl',
};
/** Options about connecting safely: none of them is ignored. */
const OF_TLS = /^(?:ssl|tls)/i;

/**
 * Parameters of libpq and their values, as the JSON of a secret has them; undefined for text that is no JSON object. What concerns no
 * connection, such as the id of the server, is passed over.
 *
 * `CONFIG_INVALID` for JSON that cannot be read, or that is of another kind of database. Nothing of it is shown but names.
 */
export function pairsOfSecret(
  text: string,
  where: string,
): [name: string, value: string][] | undefined {
  if (!text.startsWith('{')) return undefined;
  const found = read(text, where);
  const { engine } = found;
  if (typeof engine === 'string' && !/postgres/i.test(engine)) {
    throw refused(where, 'is of a database that is not PostgreSQL: its "engine" is another one');
  }
  return Object.entries(found).flatMap(([name, value]): [string, string][] => {
    const parameter = Object.hasOwn(NAMES, name)
      ? NAMES[name]
      : OF_TLS.test(name)
        ? name
        : undefined;
    if (parameter === undefined || value === null || value === '') return [];
    const text = textOf(value);
    if (text !== undefined) return [[parameter, text]];
    throw refused(where, `has no text as its "${parameter}"`);
  });
}

/** Undefined for what no variable of a program can hold. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && !value.includes('\0') ? value : undefined;
}

function read(text: string, where: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    // What is wrong with it may be quoted by the error, and be part of a password.
    throw refused(where, 'begins as JSON does, and cannot be read as JSON');
  }
}

function refused(where: string, why: string): HoldfastError {
  return new HoldfastError('CONFIG_INVALID', `the connection in ${where} ${why}`, {
    hint: 'It is the secret of a database of PostgreSQL as RDS makes it, such as {"username":"…","password":"…","host":"…","port":5432,"dbname":"…"}, or a URL.',
  });
}
