// Where a database is, as libpq's own variables tell it: a password travels in the environment of a child alone, never in its arguments.
import { HoldfastError } from '../../errors.ts';

/** A database to connect to. */
export interface Connection {
  /** libpq's variables; the password is among them. */
  readonly env: Readonly<Record<string, string>>;
  /** For people: user, host, port and database, no password. */
  readonly label: string;
  readonly database: string;
  readonly user: string | undefined;
  readonly port: string;
  /** The password, to be kept out of messages; undefined when the URL has none. */
  readonly password: string | undefined;
}

const URL_FORM = /^postgres(?:ql)?:\/\/(?:(.*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/s;

/** Parameters of a URL and libpq's variables for them. */
const PARAMETERS: Readonly<Record<string, string>> = {
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  dbname: 'PGDATABASE',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslnegotiation: 'PGSSLNEGOTIATION',
  channel_binding: 'PGCHANNELBINDING',
  gssencmode: 'PGGSSENCMODE',
  require_auth: 'PGREQUIREAUTH',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
  options: 'PGOPTIONS',
  application_name: 'PGAPPNAME',
};

/** What libraries of applications put into the same URL, and libpq does not know. */
const OF_APPLICATIONS: readonly string[] = [
  'schema',
  'connection_limit',
  'pool_timeout',
  'socket_timeout',
  'statement_cache_size',
  'uselibpqcompat',
];

/** Pools that hand each transaction to another session cannot keep a snapshot. */
const TRANSACTION_POOLER_PORT = '6543';
const POOLER_HINT =
  'Use the session pooler or a direct connection: with Supabase the same host with port 5432 instead of 6543, without pgbouncer=true.';

/**
 * The database that a URL names. `where` says where the URL comes from, as the URL itself is never shown.
 *
 * `CONFIG_INVALID` when it is none of a Postgres database, or leads to a transaction pooler.
 */
export function parseConnection(url: string, where: string): Connection {
  const match = URL_FORM.exec(url.trim());
  if (match === null) {
    throw refused(where, 'is no URL of a Postgres database', URL_HINT);
  }
  const [, login, address = '', database = '', query = ''] = match;
  const env: Record<string, string> = { PGAPPNAME: 'holdfast', PGCONNECT_TIMEOUT: '30' };
  setLogin(env, login, where);
  setAddress(env, address, where);
  if (database !== '') env['PGDATABASE'] = decoded(database, where);
  setParameters(env, query, where);
  const { PGPORT: port = '5432', PGUSER: user, PGPASSWORD: password, PGHOST: host = '' } = env;
  if (port.split(',').includes(TRANSACTION_POOLER_PORT)) {
    throw refused(where, `leads to port ${port}, a transaction pooler`, POOLER_HINT);
  }
  const name = env['PGDATABASE'] ?? user ?? '';
  if (name === '') throw refused(where, 'names no database', URL_HINT);
  env['PGDATABASE'] = name;
  const place = host.includes('/') || host === '' ? `${host}:${port}` : `${host}:${port}`;
  const label = `${user === undefined ? '' : `${user}@`}${place}/${name}`;
  return { env, label, database: name, user, port, password };
}

const URL_HINT =
  'It is written postgres://USER:PASSWORD@HOST:PORT/DATABASE; characters such as @ and / in a password are percent-encoded.';

function setLogin(env: Record<string, string>, login: string | undefined, where: string): void {
  if (login === undefined || login === '') return;
  // The last @ of all divides it: a part of a password that stands elsewhere would count as a name, and be shown.
  if (/[/?#]/.test(login))
    throw refused(where, 'is not percent-encoded as a URL must be', URL_HINT);
  const colon = login.indexOf(':');
  const [user, password] =
    colon < 0 ? [login, undefined] : [login.slice(0, colon), login.slice(colon + 1)];
  if (user !== '') env['PGUSER'] = decoded(user, where);
  if (password !== undefined) env['PGPASSWORD'] = decoded(password, where);
}

function setAddress(env: Record<string, string>, address: string, where: string): void {
  if (address === '') return;
  const match = /^(\[[0-9A-Fa-f:.%]+\]|[^:]*)(?::(\d*))?$/.exec(address);
  if (match === null) throw refused(where, 'has no host and port that can be read', URL_HINT);
  const [, host = '', port = ''] = match;
  const bare = host.replace(/^\[|\]$/g, '');
  if (bare !== '') env['PGHOST'] = decoded(bare, where);
  if (port !== '') env['PGPORT'] = port;
}

function setParameters(env: Record<string, string>, query: string, where: string): void {
  for (const pair of query.split('&').filter((one) => one !== '')) {
    const at = pair.indexOf('=');
    const name = decoded(at < 0 ? pair : pair.slice(0, at), where);
    const value = at < 0 ? '' : decoded(pair.slice(at + 1), where);
    const variable = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
    if (name === 'pgbouncer' && value !== 'false') {
      throw refused(where, 'says pgbouncer=true, so it leads to a transaction pooler', POOLER_HINT);
    }
    if (variable !== undefined) env[variable] = value;
    else if (name !== 'pgbouncer' && !OF_APPLICATIONS.includes(name)) {
      const known = Object.keys(PARAMETERS).join(', ');
      throw refused(
        where,
        `has the parameter ${JSON.stringify(name)}, which is unknown`,
        `Known are ${known}.`,
      );
    }
  }
}

function decoded(text: string, where: string): string {
  let plain: string | undefined;
  try {
    plain = decodeURIComponent(text);
  } catch {
    // What was wrong with it may be part of a password: nothing of it is said.
    plain = undefined;
  }
  if (plain === undefined || plain.includes('\0')) {
    throw refused(where, 'is not percent-encoded as a URL must be', URL_HINT);
  }
  return plain;
}

function refused(where: string, why: string, hint: string): HoldfastError {
  return new HoldfastError('CONFIG_INVALID', `the connection in ${where} ${why}`, { hint });
}
