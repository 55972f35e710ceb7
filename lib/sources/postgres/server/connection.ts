// Where a database is, as libpq's own variables tell it: a password travels in the environment of a child alone, never in its arguments.
import { HoldfastError } from '../../../errors.ts';
import { isRdsHost } from '../../../names/rds.ts';
import { pairsOfSecret } from './secret-document.ts';

/** A database to connect to. */
export interface Connection {
  /** libpq's variables; the password is among them. */
  readonly env: Readonly<Record<string, string>>;
  /** What libpq takes from no variable; none of it is a secret. */
  readonly extra?: Readonly<Record<string, string>>;
  /** For people: user, host, port and database, no password. */
  readonly label: string;
  readonly database: string;
  readonly user: string | undefined;
  readonly port: string;
  /** The password, to be kept out of messages; undefined when there is none, or a file has it. */
  readonly password: string | undefined;
}

/** What programs get as the name of the database: a connection string, as a name alone may look like one. */
export function databaseArgument({ database, extra = {} }: Connection): string {
  return Object.entries({ dbname: database, ...extra })
    .map(([name, value]) => `${name}='${value.replaceAll(/['\\]/g, '\\$&')}'`)
    .join(' ');
}

/** Parameters of libpq and its variables for them. */
const PARAMETERS: Readonly<Record<string, string>> = {
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  passfile: 'PGPASSFILE',
  dbname: 'PGDATABASE',
  service: 'PGSERVICE',
  servicefile: 'PGSERVICEFILE',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslcrl: 'PGSSLCRL',
  sslcrldir: 'PGSSLCRLDIR',
  sslsni: 'PGSSLSNI',
  sslcertmode: 'PGSSLCERTMODE',
  sslcompression: 'PGSSLCOMPRESSION',
  sslnegotiation: 'PGSSLNEGOTIATION',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
  min_protocol_version: 'PGMINPROTOCOLVERSION',
  max_protocol_version: 'PGMAXPROTOCOLVERSION',
  channel_binding: 'PGCHANNELBINDING',
  gssencmode: 'PGGSSENCMODE',
  gsslib: 'PGGSSLIB',
  gssdelegation: 'PGGSSDELEGATION',
  krbsrvname: 'PGKRBSRVNAME',
  requirepeer: 'PGREQUIREPEER',
  require_auth: 'PGREQUIREAUTH',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
  load_balance_hosts: 'PGLOADBALANCEHOSTS',
  options: 'PGOPTIONS',
  application_name: 'PGAPPNAME',
};

/** Parameters that no variable has. */
const WITHOUT_VARIABLE: readonly string[] = [
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
];

/** The environment decides how a server is reached, but not the settings of a session: those are decided here. */
const OF_SESSIONS: readonly string[] = ['PGOPTIONS', 'PGAPPNAME'];
const FROM_ENVIRONMENT = Object.values(PARAMETERS).filter((one) => !OF_SESSIONS.includes(one));

/** What libraries of applications put into the same URL, and what only they have a use for. */
const OF_APPLICATIONS: readonly string[] = [
  'schema',
  'currentSchema',
  'connection_limit',
  'pool_timeout',
  'pool_size',
  'pool_max_conns',
  'pool_min_conns',
  'socket_timeout',
  'statement_cache_size',
  'prepared_statements',
  'prepareThreshold',
  'uselibpqcompat',
  'supa',
  'client_encoding',
  'fallback_application_name',
];

/** What libpq knows and cannot be taken here, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  sslpassword:
    'a key with a passphrase cannot be used: name one without, readable by this user alone',
  replication: 'a connection for replication makes no dump',
};

/** Pools that hand each transaction to another session cannot keep a snapshot. */
const TRANSACTION_POOLER_PORT = '6543';
/** Neon's pools are of transactions, and called like the server that they stand before. */
const TRANSACTION_POOLER_HOST = /^[^.]+-pooler\.(?:[^.]+\.)*neon\.tech$/i;
const POOLER_HINT =
  'Use the session pooler or a direct connection: with Supabase the same host with port 5432 instead of 6543, with Neon the host without -pooler; without pgbouncer=true.';
const URL_HINT =
  'It is written postgres://USER:PASSWORD@HOST:PORT/DATABASE. In a user, a password or a name, write `%40` for @, `%23` for #, `%2F` for /, `%20` for a space and `%25` for %.';

const PLACE_HINT =
  'A secret that RDS manages holds a user and a password alone: name the rest in `server` of the source, as `server: { host: NAME.ID.REGION.rds.amazonaws.com, database: NAME }`.';

const URL_FORM = /^postgres(?:ql)?:\/\/(?:(.*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/s;
const PAIRS_FORM = /^[a-z_]+\s*=/;

/** Parameters of libpq that are configured beside a connection string. They go before what it says. */
export type Parameters = Readonly<Partial<Record<ConfiguredParameter, string>>>;
type ConfiguredParameter = 'host' | 'port' | 'dbname' | 'user' | 'sslmode';

/**
 * The database that a connection string names: a URL, `host=… dbname=…`, or the JSON of a secret of RDS. What neither it nor `configured`
 * says is taken from libpq's variables in `environment`, as libpq does. `where` says where the string comes from, as it is never shown
 * itself.
 *
 * `CONFIG_INVALID` when it does not name a Postgres database, leads to a transaction pooler, or has what cannot be taken, which is named.
 */
export function parseConnection(
  text: string,
  where: string,
  environment: Readonly<Record<string, string | undefined>> = {},
  configured: Parameters = {},
): Connection {
  const secret = pairsOfSecret(text.trim(), where);
  const given = new Map([
    ...(secret ?? readParameters(text.trim(), where)),
    ...Object.entries(configured),
  ]);
  // An address stands for the host that it was written beside, and for no other.
  if (configured.host !== undefined) given.delete('hostaddr');
  const variables: [string, string][] = FROM_ENVIRONMENT.flatMap((name) => {
    const value = environment[name];
    return value === undefined || value === '' ? [] : [[name, value]];
  });
  const env: Record<string, string> = {
    PGAPPNAME: 'holdfast',
    PGCONNECT_TIMEOUT: '30',
    ...Object.fromEntries(variables),
  };
  const extra: Record<string, string> = {};
  for (const [name, value] of given) take(name, value, { env, extra, where });
  if (secret !== undefined) assertPlaced(env, where);
  return named(env, extra, where);
}

/** A secret has a password to send: where to is said, and not left to what libpq would try. */
function assertPlaced(env: Record<string, string>, where: string): void {
  const { PGHOST, PGHOSTADDR, PGSERVICE, PGDATABASE } = env;
  const missing = [
    ...((PGHOST ?? PGHOSTADDR ?? PGSERVICE) === undefined ? ['no host'] : []),
    ...((PGDATABASE ?? PGSERVICE) === undefined ? ['no database'] : []),
  ];
  if (missing.length > 0) throw refused(where, `names ${missing.join(' and ')}`, PLACE_HINT);
  // Every server of RDS has a certificate, so nothing that calls itself one gets the password without it.
  if (hostsOf(env).every(isRdsHost)) env['PGSSLMODE'] ??= 'verify-full';
}

function hostsOf({ PGHOST = '' }: Readonly<Record<string, string>>): string[] {
  return PGHOST.split(',');
}

/** Whether RDS made the certificates of all servers that a connection may lead to. */
export function leadsToRds({ env }: Connection): boolean {
  return hostsOf(env).every(isRdsHost);
}

function named(
  env: Record<string, string>,
  extra: Record<string, string>,
  where: string,
): Connection {
  const { PGPORT: port = '5432', PGUSER: user, PGPASSWORD: password, PGSERVICE: service } = env;
  if (port.split(',').includes(TRANSACTION_POOLER_PORT)) {
    throw refused(where, `leads to port ${port}, a transaction pooler`, POOLER_HINT);
  }
  const pooler = hostsOf(env).find((host) => TRANSACTION_POOLER_HOST.test(host));
  if (pooler !== undefined) {
    throw refused(where, `leads to ${pooler}, a transaction pooler`, POOLER_HINT);
  }
  const name = env['PGDATABASE'] ?? (service === undefined ? user : undefined) ?? '';
  if (name === '') throw refused(where, 'names no database', URL_HINT);
  env['PGDATABASE'] = name;
  const hosts = (env['PGHOST'] ?? env['PGHOSTADDR'] ?? '').split(',');
  const ports = port.split(',');
  const places = hosts.map((host, at) => `${host}:${ports[at] ?? ports[0] ?? ''}`).join(',');
  const place = service === undefined || places !== ':5432' ? places : `service ${service}`;
  const label = `${user === undefined ? '' : `${user}@`}${place}/${name}`;
  return { env, extra, label, database: name, user, port, password };
}

type Pairs = [name: string, value: string][];

function readParameters(text: string, where: string): Pairs {
  const match = URL_FORM.exec(text);
  if (match === null) {
    if (PAIRS_FORM.test(text)) return pairsOf(text, where);
    throw refused(where, 'is no URL of a Postgres database', URL_HINT);
  }
  const [, login, address = '', database = '', query = ''] = match;
  return [
    ...ofLogin(login, where),
    ...ofAddress(address, where),
    ...(database === '' ? [] : ([['dbname', decoded(database, where)]] as Pairs)),
    ...ofQuery(query, where),
  ];
}

/** `host=a user='b c'`, as libpq reads it. */
function pairsOf(text: string, where: string): Pairs {
  const pairs: Pairs = [];
  const pair = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\[^])*)'|((?:[^\s'\\]|\\[^])*))(?=\s|$)/y;
  while (pair.lastIndex < text.length) {
    const [, name = '', quoted, plain = ''] = pair.exec(text) ?? [];
    if (name === '') throw refused(where, 'is no connection string that can be read', URL_HINT);
    pairs.push([name, (quoted ?? plain).replaceAll(/\\([^])/g, '$1')]);
  }
  return pairs;
}

function ofLogin(login: string | undefined, where: string): Pairs {
  if (login === undefined || login === '') return [];
  // The last @ of all divides it: a part of a password that stands elsewhere would count as a name, and be shown.
  if (/[/?#]/.test(login))
    throw refused(where, 'is not percent-encoded as a URL must be', URL_HINT);
  const colon = login.indexOf(':');
  const [user, password] =
    colon < 0 ? [login, undefined] : [login.slice(0, colon), login.slice(colon + 1)];
  return [
    ...(user === '' ? [] : ([['user', decoded(user, where)]] as Pairs)),
    ...(password === undefined ? [] : ([['password', decoded(password, where)]] as Pairs)),
  ];
}

/** One host, or several, each with its port. */
function ofAddress(address: string, where: string): Pairs {
  if (address === '') return [];
  const parts = address.split(',').map((one) => {
    const match = /^(\[[0-9A-Fa-f:.%]+\]|[^:]*)(?::(\d*))?$/.exec(one);
    if (match === null) throw refused(where, 'has no host and port that can be read', URL_HINT);
    const [, host = '', port = ''] = match;
    return { host: decoded(host.replace(/^\[|\]$/g, ''), where), port };
  });
  const list = (name: 'host' | 'port'): Pairs =>
    parts.every((one) => one[name] === '') ? [] : [[name, parts.map((one) => one[name]).join(',')]];
  return [...list('host'), ...list('port')];
}

function ofQuery(query: string, where: string): Pairs {
  return query
    .split('&')
    .filter((one) => one !== '')
    .map((pair) => {
      const at = pair.indexOf('=');
      const name = decoded(at < 0 ? pair : pair.slice(0, at), where);
      return [name, at < 0 ? '' : decoded(pair.slice(at + 1), where)];
    });
}

interface Taking {
  readonly env: Record<string, string>;
  readonly extra: Record<string, string>;
  readonly where: string;
}

function take(name: string, value: string, { env, extra, where }: Taking): void {
  const variable = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
  if (name === 'pgbouncer' && value !== 'false') {
    throw refused(where, 'says pgbouncer=true, so it leads to a transaction pooler', POOLER_HINT);
  }
  // As libraries of JavaScript and Java write it.
  if (name === 'ssl' && /^(?:true|1|false|0)$/.test(value)) {
    env['PGSSLMODE'] = /^[t1]/.test(value) ? 'require' : 'disable';
  } else if (name === 'sslmode' && value === 'no-verify') env['PGSSLMODE'] = 'require';
  else if (variable !== undefined) env[variable] = value;
  else if (WITHOUT_VARIABLE.includes(name)) extra[name] = value;
  else if (name !== 'pgbouncer' && !OF_APPLICATIONS.includes(name)) refuse(name, where);
}

function refuse(name: string, where: string): never {
  const why = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
  const shown = JSON.stringify(name);
  if (why !== undefined) {
    throw refused(where, `has the parameter ${shown}, which is not taken: ${why}`, 'Leave it out.');
  }
  const known = [...Object.keys(PARAMETERS), ...WITHOUT_VARIABLE].join(', ');
  throw refused(where, `has the parameter ${shown}, which is unknown`, `Known are ${known}.`);
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
