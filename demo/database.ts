// A database, on a server of its own that is gone afterwards: backed up, restored by psql alone, tried out, and what was changed in a
// copy is named.
import path from 'node:path';
import { backupSource, type BackupResult } from '../lib/engine/backup.ts';
import { openBackup } from '../lib/engine/catalog/backups.ts';
import type { Engine } from '../lib/engine/engine.ts';
import { workOf } from '../lib/engine/engine.ts';
import { restoreTest } from '../lib/engine/restore-test.ts';
import { HoldfastError, type Problem } from '../lib/errors.ts';
import { artifactOf, databaseSummary } from '../lib/format/manifest.ts';
import { factsOf } from '../lib/sources/postgres/proof/compare-facts.ts';
import { compareDumps, differenceOf } from '../lib/sources/postgres/proof/compare-dumps.ts';
import { postgresKind } from '../lib/sources/postgres/kind.ts';
import type { PostgresOptions } from '../lib/sources/postgres/dump/read.ts';
import { ScratchServer } from '../lib/sources/postgres/server/scratch.ts';
import { DatabaseSession } from '../lib/sources/postgres/server/session.ts';
import { postgresSource } from '../lib/sources/postgres/source.ts';
import { surroundingsOf } from '../lib/sources/postgres/dump/surroundings.ts';
import {
  findServer,
  findTools,
  type Machine,
  type Server,
} from '../lib/sources/postgres/server/tools.ts';
import { LOCAL_MACHINE } from '../lib/cli/databases.ts';
import { holdsText, serverText } from '../lib/cli/output/holds-text.ts';
import { bytesText, durationText } from '../lib/cli/output/units.ts';
import { runTool } from './command.ts';
import { CHANGED, CHANGES, CHECK, NEWEST, ROLES, SHOP } from './shop.ts';
import type { Stage } from './stage.ts';

const [NAME, COPY] = ['shop', 'by_hand'];
const CLAIM = 'a database proven';

export async function showDatabase(stage: Stage, machine: Machine = LOCAL_MACHINE): Promise<void> {
  const { story } = stage;
  story.section('A database');
  const started = await startServer(stage, machine);
  if (typeof started === 'string') {
    story.skip(`not shown: ${started}`);
    story.skip('apt-get install postgresql brings all that this takes: psql, pg_dump, a server');
    story.proven(CLAIM, 'not shown: there is no PostgreSQL that could be used here');
    return;
  }
  await using server = started.server;
  const engine = {
    ...stage.engine,
    kinds: new Map([['postgres', () => postgresKind(machine)]]),
  };
  const place: Place = { ...stage, engine, machine, server, tools: started.tools };
  await makeShop(place);
  const { backup, figures } = await backUpShop(place);
  await restoreByHand(place, backup);
  const ms = await tryOut(place, backup);
  await changeCopy(place, backup);
  story.proven(CLAIM, `${figures}; restored and dumped again in ${durationText(ms)}`);
}

interface Place extends Stage {
  readonly engine: Engine;
  readonly machine: Machine;
  readonly server: ScratchServer;
  readonly tools: Server;
}

/** A server that runs, or why there is none: that is a matter of the machine and not of Holdfast. */
async function startServer(
  { engine, work }: Stage,
  machine: Machine,
): Promise<{ server: ScratchServer; tools: Server } | string> {
  if ((await runTool('gunzip', ['--version'], work)) === undefined) {
    return 'gunzip is not installed here';
  }
  try {
    const tools = await serverFor(machine);
    const { signal } = engine;
    return {
      tools,
      server: await ScratchServer.start({ machine, tools, parent: work, signal }),
    };
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'COMMAND_FAILED') return error.message;
    throw error;
  }
}

/** A server of the client's version or an older one, which the client can dump as well. */
async function serverFor(machine: Machine): Promise<Server> {
  const { major } = await findTools(machine);
  try {
    return await findServer(machine, major);
  } catch (error) {
    return findServer(machine, 1).catch(() => Promise.reject(error as Error));
  }
}

async function makeShop(place: Place): Promise<void> {
  await ask(place, 'postgres', `${ROLES}; CREATE DATABASE ${NAME}; CREATE DATABASE ${COPY}`);
  await ask(place, NAME, SHOP);
}

async function ask(place: Place, database: string, sql: string): Promise<void> {
  const { engine, machine, server, tools } = place;
  await using session = new DatabaseSession({
    ...{ machine, tools, signal: engine.signal, confinement: server.confinement },
    connection: server.connection(database),
    failure: 'COMMAND_FAILED',
  });
  await session.ask(sql);
  await session.close();
}

function urlOf({ server }: Place, database: string): string {
  const { env } = server.connection(database);
  const parameters = new URLSearchParams({ host: env['PGHOST'] ?? '', user: env['PGUSER'] ?? '' });
  return `postgres:///${database}?${parameters.toString()}`;
}

async function backUpShop(place: Place): Promise<{ backup: BackupResult; figures: string }> {
  const { engine, machine, story, tools } = place;
  const options: PostgresOptions = {
    name: 'database',
    url: () => Promise.resolve(urlOf(place, NAME)),
    urlFrom: 'the demonstration',
    binaries: tools.folder,
    lockWaitTimeoutSeconds: 60,
    timestamps: [NEWEST],
    maxDatabaseBytes: undefined,
    ...{ tolerate: [], allowEmpty: false, compression: 'default' },
    ...{ format: 'plain', jobs: undefined },
    ...{ schemas: [], excludeSchemas: [], tables: [], excludeTables: [] },
  };
  const start = performance.now();
  const trigger = { kind: 'manual', at: engine.now() } as const;
  const source = postgresSource(options, machine);
  const backup = await backupSource(engine, source, { trigger, full: false });
  const { manifest } = backup;
  const stored = artifactOf(manifest, 'dump').bytes;
  const sizes = `${bytesText(manifest.totals.contentBytes)} → ${bytesText(stored)}`;
  const figures = `${holdsText(manifest)}, ${sizes}`;
  const facts = databaseSummary(factsOf({ manifest }));
  story.tell(
    `${serverText(facts)}, for this demonstration alone: reached by a socket, run by a user without rights`,
  );
  story.tell(`${figures} in ${durationText(performance.now() - start)}`);
  story.tell(
    `recorded with it: rows of each table, sequences, policies, grants, roles, the newest order of ${facts.newest[NEWEST] ?? ''}`,
  );
  story.expect(manifest.status === 'complete', 'everything was read', manifest.status);
  return { backup, figures };
}

/** Restores it as `show` tells everybody to, and sets a new dump of that against the backup. */
async function restoreByHand(place: Place, { manifest }: BackupResult): Promise<void> {
  const { story, tools, work } = place;
  const dump = path.join(work, 'store', artifactOf(manifest, 'dump').key);
  const script =
    'PATH="$1:$PATH"; gunzip -c "$2" | psql -q -o /dev/null -X -1 -v ON_ERROR_STOP=1 "$3"';
  const args = ['-c', script, 'sh', tools.folder, dump, urlOf(place, COPY)];
  const ended = await runTool('sh', args, work);
  story.expect(
    ended?.code === 0,
    'gunzip -c dump.sql.gz | psql -X -1 -v ON_ERROR_STOP=1 restores it, without Holdfast',
    ended?.stderr.trim().split('\n').at(-1) ?? 'no sh',
  );
  const problems = await differences(place, manifest);
  story.expect(
    problems.length === 0,
    'pg_dump writes of the restored database what it wrote of the original, byte for byte',
    problems.map((one) => one.path).join(', '),
  );
}

/** How the copy differs from the backup. */
async function differences(
  { engine, machine, server, tools }: Place,
  { source, id }: BackupResult['manifest'],
): Promise<Problem[]> {
  const backup = await openBackup(engine, source, id);
  const connection = server.connection(COPY, surroundingsOf(factsOf(backup).settings).session);
  const at = { machine, tools, connection, confinement: server.confinement };
  const { damage, otherwise } = await compareDumps(backup, at, workOf(engine));
  const defined = [...otherwise.values()].map(({ title, texts }) => ({
    ...{ path: title, code: 'content', detail: differenceOf(texts) },
  }));
  return [...damage, ...defined];
}

async function tryOut({ engine, story }: Place, backup: BackupResult): Promise<number> {
  const result = await restoreTest(engine, backup, { checks: [CHECK] });
  const { verdict, problems, restoreMs, durationMs, record } = result;
  story.expect(
    verdict === 'proven' && record !== undefined,
    `restore test: loaded into a scratch server in ${durationText(restoreMs)}, dumped again with the same bytes, facts equal`,
    `${verdict}: ${problems.map((one) => `${one.path} ${one.detail}`).join('; ')}`,
  );
  return durationMs;
}

async function changeCopy(place: Place, { manifest }: BackupResult): Promise<void> {
  const { story } = place;
  await ask(place, COPY, CHANGES);
  const problems = await differences(place, manifest);
  const named = new Set(problems.map((one) => one.path));
  story.expect(
    named.size === CHANGED.length && CHANGED.every((one) => named.has(one)),
    'a row, a policy and a sequence changed in that copy: each is named, and nothing else',
    [...named].join(', '),
  );
  for (const name of CHANGED) {
    const { detail = '' } = problems.find((one) => one.path === name) ?? {};
    story.tell(`${name}: ${detail.length > 100 ? `${detail.slice(0, 100)}…` : detail}`);
  }
}
