// The URL of a database of PostgreSQL from the parts that a file of variables has, such as DB_HOST and DB_PASSWORD. Pure.
// The result is a secret: it goes into a file of its own, and into nothing that is shown.
import { parseEnv } from 'node:util';

/** What the variables of one family are called, such as those of Laravel. */
interface Family {
  readonly host: readonly string[];
  readonly port: string;
  readonly database: readonly string[];
  readonly user: readonly string[];
  readonly password: readonly string[];
}

const family = (prefix: string): Family => ({
  host: [`${prefix}HOST`, `${prefix}SERVER`],
  port: `${prefix}PORT`,
  database: [`${prefix}DATABASE`, `${prefix}NAME`, `${prefix}DB`],
  user: [`${prefix}USERNAME`, `${prefix}USER`],
  password: [`${prefix}PASSWORD`, `${prefix}PASS`],
});

const FAMILIES = ['DB_', 'DATABASE_', 'POSTGRES_', 'POSTGRESQL_', 'PG'].map(family);

/** Characters that have to be encoded in a URL, as people are told. */
export const ENCODED = '`%40` for @, `%23` for #, `%2F` for /, `%20` for a space';

/** `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, encoded; undefined where a part is missing, or refers to another variable. */
export function urlFromParts(text: string): string | undefined {
  const values = parseEnv(text);
  for (const { port, ...names } of FAMILIES) {
    const first = (of: readonly string[]) => of.map((name) => values[name]).find(isSaid);
    const host = hostOf(first(names.host));
    const [database, user] = [first(names.database), first(names.user)];
    if (host === undefined || database === undefined || user === undefined) continue;
    const [password = '', at = ''] = [first(names.password), values[port]];
    // What refers to another variable, or has an escape, is read in as many ways as there are readers.
    if ([database, user, password].some((one) => /\$\{|\\/.test(one))) return undefined;
    if (!/^\d*$/.test(at)) return undefined;
    const login = [user, ...(password === '' ? [] : [password])].map(encodeURIComponent).join(':');
    const address = `${host}${at === '' ? '' : `:${at}`}`;
    return `postgres://${login}@${address}/${encodeURIComponent(database)}`;
  }
  return undefined;
}

function isSaid(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

/** A name, an address of IPv6, or the folder of a socket. */
function hostOf(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  if (host.startsWith('/')) return encodeURIComponent(host);
  if (/^[0-9a-f:]*:[0-9a-f:.]*$/i.test(host)) return `[${host}]`;
  return /^[\w.-]+$/.test(host) ? host : undefined;
}
