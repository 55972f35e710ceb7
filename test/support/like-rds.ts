// A server as RDS has them: its certificate is by an authority of the tests' own and for a name of RDS, and roles that log in by a token
// have it judged by somebody else, whom the server asks by LDAP.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { need } from '../needs/need.ts';
import { plainUser, startPostgres, type PostgresServer } from './postgres.ts';

need('openssl');

/** The name that RDS gave it; `PGHOSTADDR` leads there. */
export const HOST = 'app.abc123.eu-central-1.rds.amazonaws.com';

export interface LikeRds extends AsyncDisposable {
  readonly server: PostgresServer;
  /** The certificate of the authority. */
  readonly certificates: string;
  /** Passwords that roles with a token sent, in their order. */
  readonly tokens: readonly string[];
}

/** Whether a role that sends this may log in. */
export type Judge = (user: string, token: string) => Promise<boolean>;

/** Members of `rds_iam` log in by what `judge` takes, all others by their password, everybody by TLS. */
export async function startLikeRds(judge: Judge = () => Promise.resolve(false)): Promise<LikeRds> {
  const server = await startPostgres();
  const { folder } = server;
  const certificates = makeCertificates(folder);
  const tokens: string[] = [];
  const directory = await startDirectory(async (user, token) => {
    tokens.push(token);
    return judge(user, token);
  });
  const { port } = directory.address() as net.AddressInfo;
  const byToken = `ldap ldapserver=127.0.0.1 ldapport=${port} ldapprefix="" ldapsuffix=""`;
  fs.writeFileSync(
    path.join(folder, 'data/pg_hba.conf'),
    [
      'local all all trust',
      `hostssl all +rds_iam all ${byToken}`,
      'hostssl all all all scram-sha-256',
    ]
      .map((line) => `${line}\n`)
      .join(''),
  );
  server.sql(
    'postgres',
    `CREATE ROLE rds_iam; ALTER SYSTEM SET ssl_cert_file = '${folder}/server.crt'; ALTER SYSTEM SET ssl_key_file = '${folder}/server.key';
     ALTER SYSTEM SET ssl = on; SELECT pg_reload_conf()`,
  );
  return {
    server,
    certificates,
    tokens,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await new Promise((resolve) => directory.close(resolve));
    },
  };
}

function makeCertificates(folder: string): string {
  const at = (name: string) => path.join(folder, name);
  openssl(...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650'], [
    ...['-keyout', at('ca.key'), '-out', at('ca.crt'), '-subj', '/CN=An authority of the tests'],
  ]);
  openssl(...['req', '-newkey', 'rsa:2048', '-nodes', '-keyout', at('server.key')], [
    ...['-out', at('server.csr'), '-subj', `/CN=${HOST}`],
  ]);
  fs.writeFileSync(at('names'), `subjectAltName=DNS:${HOST}`);
  openssl('x509', '-req', '-in', at('server.csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.key'), [
    ...['-CAcreateserial', '-days', '3650', '-extfile', at('names'), '-out', at('server.crt')],
  ]);
  fs.chmodSync(at('server.key'), 0o600);
  const user = plainUser();
  if (user !== undefined) {
    for (const one of ['server.key', 'server.crt']) fs.chownSync(at(one), user.uid, user.gid);
  }
  return at('ca.crt');
}

function openssl(...args: (string | readonly string[])[]): void {
  const ended = spawnSync('openssl', args.flat(), { encoding: 'utf8' });
  if (ended.status !== 0) throw new Error(`openssl: ${ended.stderr}`);
}

/** As much of LDAP as a simple bind takes: who and with what password goes in, yes or no comes out. */
async function startDirectory(judge: Judge): Promise<net.Server> {
  const directory = net.createServer((socket) => {
    let got = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      got = Buffer.concat([got, chunk]);
      const message = element(got);
      if (message === undefined) return;
      got = got.subarray(message.end);
      const id = element(message.content);
      const request = id && element(message.content.subarray(id.end));
      // Anything but a bind is a farewell.
      if (id === undefined || request?.tag !== 0x60) return void socket.end();
      const version = element(request.content);
      const name = version && element(request.content.subarray(version.end));
      const password = version && name && element(request.content.subarray(version.end + name.end));
      if (name === undefined || password === undefined) return void socket.end();
      void judge(name.content.toString(), password.content.toString()).then((yes) => {
        const result = [0x61, 7, 0x0a, 1, yes ? 0 : 49, 4, 0, 4, 0];
        const body = [2, id.content.length, ...id.content, ...result];
        socket.write(Buffer.from([0x30, body.length, ...body]));
      });
    });
  });
  await new Promise<void>((resolve) => directory.listen(0, '127.0.0.1', () => resolve()));
  return directory;
}

interface Element {
  readonly tag: number;
  readonly content: Buffer;
  readonly end: number;
}

/** The first element of what BER encodes; undefined when not all of it has come. */
function element(bytes: Buffer): Element | undefined {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) return undefined;
  const more = first < 0x80 ? 0 : first & 0x7f;
  if (bytes.length < 2 + more) return undefined;
  const length = more === 0 ? first : bytes.readUIntBE(2, more);
  const end = 2 + more + length;
  return bytes.length < end ? undefined : { tag, content: bytes.subarray(2 + more, end), end };
}
