// What tests of databases share: an engine that knows them, programs that misbehave in place of Postgres' own, dumps that nobody's
// pg_dump wrote in backups whose signature is valid, and a line to a server that can be cut.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import zlib from 'node:zlib';
import { createHash } from 'node:crypto';
import type { BackupResult } from '../../lib/engine/backup.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import { HoldfastError } from '../../lib/errors.ts';
import { artifactOf, type DatabaseFacts } from '../../lib/format/manifest.ts';
import { factsOf, type CompareInput } from '../../lib/sources/postgres/proof/compare-facts.ts';
import { compareDumps } from '../../lib/sources/postgres/proof/compare-dumps.ts';
import { parseConnection } from '../../lib/sources/postgres/server/connection.ts';
import type { StoredText } from '../../lib/sources/postgres/dump/reader.ts';
import { explain, type Explained } from '../../lib/sources/postgres/proof/explain.ts';
import { surroundingsOf } from '../../lib/sources/postgres/dump/surroundings.ts';
import { storeIndex, storeText } from '../../lib/sources/postgres/dump/objects.ts';
import { DumpScanner } from '../../lib/sources/postgres/dump/scanner.ts';
import { postgresKind } from '../../lib/sources/postgres/kind.ts';
import type { PostgresOptions } from '../../lib/sources/postgres/dump/read.ts';
import { postgresSource } from '../../lib/sources/postgres/source.ts';
import { findTools, type Machine } from '../../lib/sources/postgres/server/tools.ts';
import type {
  ArtifactSink,
  OpenBackup,
  ReadInput,
  ReadResult,
  Source,
  Work,
} from '../../lib/sources/source.ts';
import { backUpNow, Clock, ClockedStore, engineOn } from './engine.ts';
import { binaries, MACHINE, postgresOptions, type PostgresServer } from './postgres.ts';

/** A store of its own, and what backs databases up to it. */
export class DatabaseScene {
  readonly clock = new Clock();
  readonly store = new ClockedStore(this.clock);
  readonly engine: Engine;

  constructor(machine: Machine = MACHINE, scratch = '/tmp') {
    const kinds = new Map([['postgres', () => postgresKind(machine)]]);
    this.engine = engineOn(this.store, this.clock, { kinds, scratch });
  }

  backUp(url: string, changes: Partial<PostgresOptions> = {}): Promise<BackupResult> {
    this.clock.advance(1000);
    return backUpNow(this.engine, postgresSource(postgresOptions(url, changes), MACHINE));
  }

  /** A backup that is signed as every other, of a text that need not be one that pg_dump would write. */
  forge(text: string, database: DatabaseFacts): Promise<BackupResult> {
    this.clock.advance(1000);
    return backUpNow(this.engine, forgedSource(text, database, postgresKind(MACHINE)));
  }

  /** The same backups under a machine with other programs. */
  under(machine: Machine, scratch = '/tmp'): Engine {
    return { ...this.engine, kinds: new Map([['postgres', () => postgresKind(machine)]]), scratch };
  }

  async textOf({ manifest }: BackupResult): Promise<string> {
    const { key, bytes } = artifactOf(manifest, 'dump');
    return zlib.gunzipSync(await this.store.read(key, 0, bytes)).toString();
  }

  /** Keys of artifacts and manifests. */
  get stored(): string[] {
    return [...this.store.objects.keys()].filter((key) => key.startsWith('backups/'));
  }
}

function forgedSource(text: string, database: DatabaseFacts, kind: Source['kind']): Source {
  const raw = Buffer.from(text);
  return {
    name: 'db',
    kind,
    read: async ({ sink, pool }: ReadInput): Promise<ReadResult> => {
      const scanner = new DumpScanner();
      scanner.push(raw);
      const { objects, bytes: rawBytes } = scanner.end();
      let extents: { bytes: number; sha256: string } | undefined;
      // What is stored is told by the text's only member.
      const watched: ArtifactSink = {
        ...sink,
        put: (role, extension, body) => {
          const measured = async function* () {
            for await (const chunk of body) {
              const sha256 = createHash('sha256').update(chunk).digest('hex');
              extents = { bytes: chunk.length, sha256 };
              yield chunk;
            }
          };
          return sink.put(role, extension, measured());
        },
      };
      const dump = await storeText(watched, pool, { role: 'dump', extension: 'sql.gz', text: raw });
      const { bytes = 0, sha256 = '' } = extents ?? {};
      const members = [{ offset: 0, bytes, rawBytes, sha256 }];
      const index = await storeIndex(sink, pool, { members, objects, rawBytes });
      const totals = { entries: objects.length, files: 1, contentBytes: rawBytes };
      return {
        artifacts: [dump, index],
        totals: { ...totals, readBytes: rawBytes, reusedBytes: 0 },
        options: {},
        problems: [],
        full: true,
        git: undefined,
        package: undefined,
        database,
      };
    },
  };
}

/** Scripts in place of some of Postgres' programs, the others its own; removed when disposed. */
export class FakeTools implements Disposable {
  readonly folder: string;
  /** A file that every user may append to. */
  readonly notes: string;

  /** In scripts `$REAL` is the program itself, `$NOTES` the file. */
  constructor(scripts: Readonly<Record<string, string>>) {
    this.folder = fs.mkdtempSync('/tmp/holdfast-fake-tools-');
    fs.chmodSync(this.folder, 0o755);
    this.notes = path.join(this.folder, 'notes');
    fs.writeFileSync(this.notes, '');
    fs.chmodSync(this.notes, 0o666);
    for (const name of fs.readdirSync(binaries())) {
      const real = path.join(binaries(), name);
      const script = scripts[name];
      if (script === undefined) fs.symlinkSync(real, path.join(this.folder, name));
      else {
        const text = `#!/bin/sh\nREAL=${real}\nNOTES=${this.notes}\n${script}\n`;
        fs.writeFileSync(path.join(this.folder, name), text, { mode: 0o755 });
      }
    }
  }

  /** A machine that finds these first. */
  get machine(): Machine {
    const { PATH = '' } = MACHINE.environment;
    return { ...MACHINE, environment: { PATH: `${this.folder}:${PATH}` } };
  }

  get noted(): string {
    return fs.readFileSync(this.notes, 'utf8');
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The script of a pg_dump that does its work first, and is asked for its version as ever. */
export function dumper(script: string): Readonly<Record<string, string>> {
  return { pg_dump: `case "$*" in --version) exec "$REAL" --version ;; esac\n${script}` };
}

/** A line to a port of this host, which calls `then` when the server has sent `afterBytes` by one connection. */
export class Line implements AsyncDisposable {
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();

  private constructor(server: net.Server) {
    this.server = server;
  }

  static async to(
    port: number,
    afterBytes: number,
    then: (line: Line, client: net.Socket) => void,
  ): Promise<Line> {
    const server = net.createServer();
    const line = new Line(server);
    server.on('connection', (client) => {
      const remote = net.connect(port, '127.0.0.1');
      let passed = 0;
      for (const socket of [client, remote]) {
        line.sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          client.destroy();
          remote.destroy();
        });
      }
      client.pipe(remote);
      remote.on('data', (chunk: Buffer) => {
        const before = passed;
        passed += chunk.length;
        if (before < afterBytes && passed >= afterBytes) then(line, client);
        if (!client.destroyed && !client.write(chunk)) {
          remote.pause();
          client.once('drain', () => remote.resume());
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    return line;
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  /** Breaks every connection as a cable does that is pulled, but for the time it takes to notice. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** What some work fails with. */
export async function failureOf(work: Promise<unknown>): Promise<HoldfastError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof HoldfastError) return error;
  throw new Error('it was expected to fail', { cause: error });
}

/**
 * What a restore test would say of a database on a server of the tests, as if the backup had been restored to it: what is damage, what
 * could not be found out, and what PostgreSQL prints otherwise.
 */
export async function judged(
  backup: OpenBackup,
  { server, database, work, text }: JudgedDatabase,
): Promise<Explained> {
  const tools = await findTools(MACHINE);
  const { session } = surroundingsOf(factsOf(backup).settings);
  const at = (name: string): CompareInput => {
    const options = Object.entries(session).map(
      ([key, value]) => `-c ${key}=${value.replaceAll(' ', '\\ ')}`,
    );
    const connection = parseConnection(server.url(name), 'a test');
    const env = { ...connection.env, PGOPTIONS: options.join(' ') };
    return { machine: MACHINE, tools, connection: { ...connection, env }, text };
  };
  const { damage, otherwise } = await compareDumps(backup, at(database), work);
  const folder = fs.mkdtempSync('/tmp/holdfast-judged-');
  try {
    const explained = await explain(otherwise, {
      ...{ backup, work, folder, load: text === undefined ? {} : { text } },
      fresh: () => {
        server.drop('reference');
        server.sql('postgres', 'CREATE DATABASE reference TEMPLATE template0');
        const dump = at('reference');
        return Promise.resolve({ load: { ...dump, failure: 'RESTORE_DIFFERS' }, dump });
      },
    });
    return { ...explained, damage: [...damage, ...explained.damage] };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

export interface JudgedDatabase {
  readonly server: PostgresServer;
  readonly database: string;
  readonly work: Work;
  readonly text?: StoredText | undefined;
}
