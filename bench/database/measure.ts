// The rounds over one database: a server of its own, filled with the rows of the tree `sql`, dumped and tried out by each way in turn.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { startPostgres, type PostgresServer } from '../../test/support/postgres.ts';
import { runUnmeasured } from '../measure.ts';
import type { Place, Tool } from '../peers/tool.ts';
import type { TreeResult } from '../results.ts';
import { runRound, type Plan, type Session } from '../rounds.ts';
import { prepareTree } from '../trees.ts';
import { DATABASE_TOOLS } from './tools.ts';

const DATABASE = 'bench';

/** Measures dumps and restore tests of a database. `plan.tools` chooses tools of trees; here all that are installed take part. */
export async function measureDatabase(plan: Plan, now: Date): Promise<TreeResult> {
  const root = path.join(plan.workFolder, `database-${plan.scale}`);
  const rows = path.join(plan.workFolder, `sql-${plan.scale}`);
  plan.progress(`database: making or finding the rows in ${rows}`);
  prepareTree('sql', rows, plan);
  await using server = await startPostgres();
  const session = await makeSession({ plan, root, server }, path.join(rows, 'source', 'dump.sql'));
  for (let round = 0; round < plan.rounds; round += 1) await runRound(session, round);
  fs.rmSync(root, { recursive: true, force: true });
  return {
    kind: 'database',
    scale: plan.scale,
    rounds: plan.rounds,
    measuredAt: now.toISOString(),
    ...session.size,
    samples: session.samples,
    failures: session.failures,
  };
}

interface Stage {
  readonly plan: Plan;
  readonly root: string;
  readonly server: PostgresServer;
}

async function makeSession({ plan, root, server }: Stage, rows: string): Promise<Session> {
  const url = server.url(DATABASE);
  server.create(DATABASE, { empty: true });
  plan.progress('database: loading the rows');
  await runUnmeasured({ argv: ['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', rows, url] });
  server.sql(DATABASE, 'ALTER TABLE public.tasks ADD PRIMARY KEY (id); VACUUM ANALYZE; CHECKPOINT');
  fs.mkdirSync(root, { recursive: true });
  const plain = path.join(root, 'plain.sql');
  await runUnmeasured({ argv: ['pg_dump', `--file=${plain}`, url] });
  const tools = DATABASE_TOOLS.filter((one) => one.version() !== undefined);
  for (const tool of DATABASE_TOOLS.filter((one) => !tools.includes(one))) {
    plan.progress(`missing: ${tool.title} is not installed and is left out`);
  }
  const place = (tool: Tool): Place => ({
    source: url,
    state: path.join(root, 'state', tool.name),
    target: path.join(root, 'restored'),
    file: plain,
  });
  return {
    plan,
    kind: 'database',
    folder: undefined,
    size: { files: 1, bytes: fs.statSync(plain).size },
    places: new Map(tools.map((tool) => [tool, place(tool)])),
    samples: [],
    failures: [],
    dropped: new Set(),
  };
}
