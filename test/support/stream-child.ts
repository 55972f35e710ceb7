// Archives a folder into a file and verifies it, as a process of its own: prints the most memory that it ever took.
import fs from 'node:fs';
import process from 'node:process';
import { partBytes } from '../../lib/archive/write/output.ts';
import { Pool } from '../../lib/archive/threads/pool.ts';
import { proveArchive } from '../../lib/archive/read/prove-archive.ts';
import { openArchive, type ByteReader } from '../../lib/archive/read/archive-reader.ts';
import { ScanWriter } from '../../lib/archive/write/scan.ts';
import { ArchiveWriter, type ArchiveSummary } from '../../lib/archive/write/archive-writer.ts';
import { createSelector } from '../../lib/sources/tree/select.ts';
import { walk } from '../../lib/sources/tree/walk.ts';
import { machineTime } from './machine-time.ts';

const [folder = ''] = process.argv.slice(2);
const path = `${folder}.tar.gz`;
const file = fs.openSync(path, 'wx+');
fs.rmSync(path);

await using pool = new Pool({ workers: 2 });
const problems: unknown[] = [];
const scan = new ScanWriter(pool, machineTime());
const writer = new ArchiveWriter({
  entries: walk({
    root: `${folder}/`,
    selector: createSelector({}),
    secrets: 'include',
    times: 'recorded',
    oneFileSystem: false,
    leaveOut: new Set(),
    onProblem: (problem) => problems.push(problem),
  }),
  encoding: { codec: 'gzip', level: 2 },
  pool,
  scan,
  predecessor: undefined,
  signal: undefined,
  onProgress: undefined,
});
let summary: ArchiveSummary | undefined;
const written = async function* () {
  summary = yield* writer.write();
};
let bytes = 0;
for await (const chunk of partBytes(written(), undefined))
  bytes += fs.writeSync(file, chunk, 0, chunk.length, bytes);
await scan.finish();
if (summary?.place === undefined) throw new Error('no archive was made');
problems.push(...summary.problems);

const reader: ByteReader = {
  bytes,
  read: (offset, length) => {
    const range = new Uint8Array(length);
    fs.readSync(file, range, 0, length, offset);
    return Promise.resolve(range);
  },
};
const archive = await openArchive(reader, summary.place, 'gzip');
const parts = [{ class: undefined, firstPath: '', open: () => Promise.resolve(archive) }];
const input = { parts, entries: summary.totals.entries, level: 'content', pool } as const;
const proof = await proveArchive({ ...input, signal: undefined, onProgress: undefined });
problems.push(...proof.problems);
// Not `maxRSS`: that begins with what the parent held when it forked.
const [, peak = '0'] = /VmHWM:\s+(\d+) kB/.exec(fs.readFileSync('/proc/self/status', 'utf8')) ?? [];
process.stdout.write(JSON.stringify({ problems, bytes, maxRssBytes: Number(peak) * 1024 }));
