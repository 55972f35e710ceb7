// A process of its own that does something to a folder store, for tests that kill it, take its rights or its room away, or let it
// compete with others. Usage: store-child.ts <act> <folder>; prints one line per step.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import nodeFs, { closeSync, openSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { HoldfastError } from '../../lib/errors.ts';
import { openLocalStore } from '../../lib/stores/folder/store.ts';
import { withLocalLock } from '../../lib/stores/folder/lock.ts';
import { machineTime } from './machine-time.ts';

const [act = '', folder = ''] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);
const report = (error: unknown) => {
  say(error instanceof HoldfastError ? error.code : String(error));
};

const ACTS: Record<string, () => Promise<void>> = {
  /** Stores objects without end; each key holds the digest of its bytes. */
  async 'put-forever'() {
    const store = await openLocalStore(folder, {
      random: randomUUID,
      hardLinks: process.argv[4] !== 'without-links',
    });
    for (let turn = 0; ; turn += 1) {
      const body = randomBytes(turn % 3 === 0 ? 5_000_000 : 1_000);
      const digest = createHash('sha256').update(body).digest('hex');
      await store.put(`objects/${process.pid}-${turn}/${digest}`, chunksOf(body));
      say('stored');
    }
  },
  /** Links `a/one` where links fail in each way, and where what looks like a link is a copy. */
  async 'link-refused'() {
    const store = await openLocalStore(folder, { random: randomUUID });
    const identity = await store.identify?.('a/one');
    if (identity === undefined) return;
    const real = nodeFs.linkSync;
    const attempt = async (name: string, link: typeof nodeFs.linkSync) => {
      nodeFs.linkSync = link;
      syncBuiltinESMExports();
      const said = await store.link?.('a/one', 'b/two', identity).catch((error: unknown) => {
        if (error instanceof HoldfastError) return error.code;
        throw error;
      });
      say(`${name} ${typeof said === 'string' ? said : JSON.stringify(said)}`);
    };
    const errnos = ['EPERM', 'EACCES', 'EMLINK', 'EXDEV', 'ENOTSUP', 'ENOSYS', 'EINVAL', 'ENOENT'];
    for (const code of [...errnos, 'EIO'])
      await attempt(code, () => {
        throw Object.assign(new Error(code), { code, syscall: 'link' });
      });
    await attempt('copied', (from, to) => nodeFs.copyFileSync(from, to));
    nodeFs.linkSync = real;
  },
  /** Stores one object as the user nobody, when it is root that asks. */
  async 'put-as-nobody'() {
    const store = await openLocalStore(folder, { random: randomUUID });
    if (process.getuid?.() === 0) {
      process.setgroups?.([]);
      process.setgid?.(65_534);
      process.setuid?.(65_534);
    }
    await store.put('objects/denied', randomBytes(10)).catch(report);
    await store.now().catch(report);
  },
  /** Stores one object of 4 MB where there is no room for it. */
  async 'put-large'() {
    // Without a handler the limit of a process (ulimit -f) kills it.
    process.on('SIGXFSZ', () => undefined);
    const store = await openLocalStore(folder, { random: randomUUID });
    await store.put('objects/small', randomBytes(10));
    await store.put('objects/large', chunksOf(randomBytes(4_000_000))).catch(report);
    await store.put('objects/late', randomBytes(10));
    say('stored');
  },
  /** Takes and leaves the lock again and again, and says so should anybody else be inside. */
  async 'take-lock'() {
    const holder = { pid: process.pid, host: hostname(), begin: machineTime() };
    const inside = join(folder, 'inside');
    const end = performance.now() + 20_000;
    while (performance.now() < end) {
      await wait(1);
      const took = await withLocalLock(folder, 'prune', holder, async () => {
        closeSync(openSync(inside, 'wx'));
        await wait(2);
        rmSync(inside);
        return true;
      }).catch((error: unknown) => {
        if (error instanceof HoldfastError && error.code === 'LOCKED') return false;
        throw error;
      });
      if (!took) continue;
      say('took');
      // Dies while it holds, so that the others have something to take over.
      await withLocalLock(folder, 'prune', holder, () => {
        process.kill(process.pid, 'SIGKILL');
        return wait(10_000);
      }).catch(report);
    }
  },
};

async function* chunksOf(body: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.byteLength; at += 300_000) {
    await wait(0);
    yield body.subarray(at, at + 300_000);
  }
}

say('begun');
await ACTS[act]?.();
