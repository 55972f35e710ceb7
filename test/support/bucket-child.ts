// Backs up a bucket of generated objects in a process of its own, and tells what that took; run by a test that measures memory.
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import process from 'node:process';
import { Pool } from '../../lib/archive/threads/pool.ts';
import { bucketSource } from '../../lib/sources/bucket/source.ts';
import { machineTime } from './machine-time.ts';
import { S3Client } from '@aws-sdk/client-s3';

const [endpoint = ''] = process.argv.slice(2);
const client = new S3Client({
  region: 'us-east-1',
  endpoint,
  forcePathStyle: true,
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-secret' },
});
await using pool = new Pool({ workers: 2 });
let stored = 0;
const source = bucketSource(
  {
    name: 'site',
    bucket: 'assets',
    prefix: '',
    include: [],
    exclude: [],
    tolerate: [],
    allowEmpty: false,
    compression: 'default',
    account: undefined,
  },
  { client },
);
const { totals, problems } = await source.read({
  pool,
  signal: undefined,
  onProgress: undefined,
  predecessor: undefined,
  full: false,
  begin: machineTime(),
  scratch: tmpdir(),
  sink: {
    put: async (role, _, body) => {
      for await (const chunk of body) stored += chunk.length;
      return role;
    },
    clone: (role) => Promise.resolve(role),
    parts: () => {
      throw new Error('a bucket is one archive');
    },
  },
});
// The kernel's figure for this program: that of resourceUsage() begins with what the program that started it took.
const [, peakKiB] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
process.stdout.write(
  JSON.stringify({ totals, problems, stored, peakBytes: Number(peakKiB) * 1024 }),
);
