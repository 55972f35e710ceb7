// From what is configured of a database to a connection. Made again for each program that connects: secrets are rotated, and tokens end,
// while a dump may take hours.
import fs from 'node:fs';
import path from 'node:path';
import { leadsToRds, parseConnection, type Connection, type Parameters } from './connection.ts';
import type { Machine } from './tools.ts';

/** Where somebody connects to, and as whom. */
export interface Endpoint {
  readonly host: string;
  readonly port: string;
  readonly user: string;
}

/** Where a database is, as configured. */
export interface DatabaseAccess {
  /** The connection string of the database, which is a secret. */
  readonly url: () => Promise<string>;
  /** Where it comes from, for messages: `env:DATABASE_URL`. */
  readonly urlFrom: string;
  /** What is configured beside it. */
  readonly server?: Parameters;
  /** Makes what serves as a password for a quarter of an hour; undefined where the secret has one. */
  readonly token?: ((to: Endpoint) => Promise<string>) | undefined;
}

/** The connection as it is now. Errors as {@link parseConnection} has them, and those of who keeps the secret. */
export async function connectionTo(access: DatabaseAccess, machine: Machine): Promise<Connection> {
  const { url, urlFrom, server = {}, token } = access;
  const connection = readConnection(await url(), urlFrom, machine, server);
  if (token === undefined) return connection;
  const { PGHOST: host = '', PGPORT: port = '5432', PGUSER: user = '' } = connection.env;
  const password = await token({ host, port, user });
  return { ...connection, env: { ...connection.env, PGPASSWORD: password }, password };
}

/** The connection that a string names on a machine, whose environment says what the string does not. */
export function readConnection(
  text: string,
  where: string,
  machine: Machine,
  server: Parameters = {},
): Connection {
  return withCertificates(parseConnection(text, where, machine.environment, server), machine);
}

/** Where libpq looks for certificates by itself, below the home of the user. */
const OWN_CERTIFICATES = '.postgresql/root.crt';

/** The certificate of an RDS server is checked against those of RDS, unless others are named, or are where libpq looks for them. */
function withCertificates(connection: Connection, machine: Machine): Connection {
  const { env } = connection;
  const { certificatesOfRds: file } = machine;
  const checks = env['PGSSLMODE'] === 'verify-full' || env['PGSSLMODE'] === 'verify-ca';
  if (!checks || env['PGSSLROOTCERT'] !== undefined || !leadsToRds(connection)) return connection;
  const home = machine.environment['HOME'] ?? '';
  if (home !== '' && fs.existsSync(path.join(home, OWN_CERTIFICATES))) return connection;
  if (file === undefined || !fs.existsSync(file)) return connection;
  return { ...connection, env: { ...env, PGSSLROOTCERT: file } };
}
