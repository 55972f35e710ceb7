// Dumps a database by Holdfast's own writer, and does nothing else: what the facts of a backup cost is the rest.
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Pool } from '../../lib/archive/threads/pool.ts';
import { parseConnection } from '../../lib/sources/postgres/server/connection.ts';
import { DumpWriter } from '../../lib/sources/postgres/dump/writer.ts';
import { EVERYTHING } from '../../lib/sources/postgres/dump/selection.ts';
import { findTools } from '../../lib/sources/postgres/server/tools.ts';

const [url = '', folder = ''] = process.argv.slice(2);
const machine = { environment: process.env, random: () => '0'.repeat(16) };
await using pool = new Pool();
const input = {
  machine,
  tools: await findTools(machine),
  connection: parseConnection(url, 'the first argument'),
  selection: EVERYTHING,
  restrictKey: 'bench',
  snapshot: undefined,
  lockWaitTimeoutSeconds: undefined,
  encoding: undefined,
  withoutUnlogged: false,
  signal: undefined,
  failure: 'SOURCE_UNREADABLE',
} as const;
const writer = new DumpWriter(input, {
  pool,
  encoding: { codec: 'gzip', level: 1 },
  scan: {},
  onProgress: undefined,
});
fs.mkdirSync(folder, { recursive: true });
const file = fs.createWriteStream(path.join(folder, 'dump.sql.gz'), { flush: true });
for await (const bytes of writer.write()) if (!file.write(bytes)) await once(file, 'drain');
file.end();
await once(file, 'close');
writer.finish();
