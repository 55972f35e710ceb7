// Damage to what is stored: whatever happens to a byte, an artifact, a manifest or a record, it is found and named, and never used.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { restoreTest } from '../../lib/engine/restore-test.ts';
import { surveySource } from '../../lib/engine/catalog/survey.ts';
import { verifyBackup, type VerifyResult } from '../../lib/engine/verify.ts';
import { artifactOf, type Manifest } from '../../lib/format/manifest.ts';
import { Scratch } from '../support/archives.ts';
import {
  Clock,
  ClockedStore,
  codeOf,
  DAY_MS,
  engineOn,
  folderSource,
  keysOf,
  makeGood,
  restoreTo,
  treeOf,
} from '../support/engine.ts';
import { changeSite, plantSite } from '../support/small-site.ts';

const LONG = process.env['HOLDFAST_SWEEPS'] !== undefined;

let scratch: Scratch;
let sound: ClockedStore;
let older: Manifest;
let newer: Manifest;

beforeAll(async () => {
  scratch = new Scratch();
  const root = scratch.at('site');
  plantSite(root);
  const clock = new Clock();
  sound = new ClockedStore(clock);
  older = (await makeGood(engineOn(sound, clock), folderSource(root))).manifest;
  changeSite(root);
  clock.advance(DAY_MS);
  newer = (await makeGood(engineOn(sound, clock), folderSource(root))).manifest;
});
afterAll(() => scratch[Symbol.dispose]());

/** A folder with all of the older backup. */
async function whole(): Promise<string> {
  const to = scratch.at('whole');
  await restoreTo(engineOn(sound.copy(), sound.clock), older, to);
  return to;
}

/** The stored backups with one thing changed. */
function damaged(change: (objects: ClockedStore['objects']) => void) {
  const store = sound.copy();
  change(store.objects);
  return { store, engine: engineOn(store, store.clock, { scratch: scratch.at('tried') }) };
}

const bytesOf = (objects: ClockedStore['objects'], key: string) => {
  const object = objects.get(key);
  if (object === undefined) throw new Error(`no ${key}`);
  return object;
};

const verify = (
  engine: ReturnType<typeof engineOn>,
  { source, id }: Manifest,
  level: 'digest' | 'content',
) => verifyBackup(engine, { source, id }, level);

const namesOf = ({ problems }: VerifyResult) => problems.map(({ path }) => path);

describe('an artifact', () => {
  test.each(['archive', 'scan'] as const)(
    '(%s) with a bit flipped anywhere is found at both levels',
    async (role) => {
      const { key, bytes } = artifactOf(newer, role);
      const stride = role === 'scan' ? (LONG ? 1 : 5) : LONG ? 7 : 1499;
      for (let at = 0; at < bytes; at += stride) {
        const { engine } = damaged((objects) => {
          const object = bytesOf(objects, key);
          object.bytes[at] = (object.bytes[at] ?? 0) ^ (1 << (at % 8));
        });
        for (const level of ['digest', 'content'] as const) {
          const result = await verify(engine, newer, level);
          expect({ at, level, verdict: result.verdict }).toEqual({ at, level, verdict: 'damaged' });
          expect(result.problems.length).toBeGreaterThan(0);
        }
        const { backups } = await surveySource(engine, 'site');
        expect(backups.map(({ standing }) => standing)).toEqual(['good', 'damaged']);
      }
    },
  );

  test('with a bit of one entry flipped names that entry, restores nothing unless told, then all others', async () => {
    const table = artifactOf(older, 'archive');
    const named = new Set<string>();
    const all = treeOf(await whole()).map((line) => line.split(' ')[0]);
    for (const part of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      const at = Math.floor(table.bytes * part);
      const { engine } = damaged((objects) => {
        const object = bytesOf(objects, table.key);
        object.bytes[at] = (object.bytes[at] ?? 0) ^ 0x10;
      });
      const result = await verify(engine, older, 'content');
      for (const name of namesOf(result)) named.add(name);
      const to = scratch.at(`restored-${at}`);
      expect(await codeOf(restoreTo(engine, older, to))).toBe('BACKUP_DAMAGED');
      expect(fs.existsSync(to)).toBe(false);
      const report = await restoreTo(engine, older, to, { skipDamaged: true });
      const lost = report.problems.map(({ path }) => path);
      expect(namesOf(result)).toEqual(expect.arrayContaining(lost));
      // Everything is there, or is said not to be.
      const names = treeOf(to).map((line) => line.split(' ')[0]);
      expect([...new Set([...names, ...lost])].sort()).toEqual(all);
      expect(names).toHaveLength(all.length - new Set(lost).size);
      expect((await restoreTest(engine, older)).verdict).toBe('damaged');
    }
    expect([...named].join()).toMatch(/public\/(one|two)\.png/);
  });

  const REPLACEMENTS: Record<string, (bytes: Uint8Array) => Uint8Array | undefined> = {
    deleted: () => undefined,
    empty: () => new Uint8Array(0),
    'one byte short': (bytes) => bytes.slice(0, -1),
    'half of it': (bytes) => bytes.slice(0, bytes.length / 2),
    'one byte longer': (bytes) => new Uint8Array([...bytes, 0]),
    'twice itself': (bytes) => new Uint8Array(Buffer.concat([bytes, bytes])),
    'all zeros': (bytes) => new Uint8Array(bytes.length),
  };
  const cases = Object.keys(REPLACEMENTS).flatMap((what) =>
    (['archive', 'scan'] as const).map((role) => [role, what] as const),
  );

  test.each(cases)('(%s) that is %s is found and named', async (role, what) => {
    const { key } = artifactOf(newer, role);
    const { engine } = damaged((objects) => {
      const replaced = REPLACEMENTS[what]?.(bytesOf(objects, key).bytes);
      if (replaced === undefined) objects.delete(key);
      else bytesOf(objects, key).bytes = new Uint8Array(replaced);
    });
    const sameLength = what === 'all zeros';
    // Whatever has another length shows in a listing alone.
    const before = await surveySource(engine, 'site');
    expect(before.backups[1]?.standing).toBe(sameLength ? 'good' : 'damaged');
    if (!sameLength) expect(before.backups[1]?.why).toContain(key);
    const result = await verify(engine, newer, 'digest');
    expect(result.verdict).toBe('damaged');
    expect(namesOf(result).join()).toMatch(sameLength && role === 'archive' ? /index/ : key);
    expect((await verify(engine, older, 'content')).verdict).toBe('proven');
    const to = scratch.at(`restored-${role}-${what}`);
    const refused = role === 'archive' && !/longer|twice|short/.test(what);
    if (refused) expect(await codeOf(restoreTo(engine, newer, to))).toMatch(/^BACKUP_/);
    // The scan serves the next backup alone, and the index says where all else stands: what is amiss behind it harms no restore.
    else await restoreTo(engine, newer, to);
    expect(fs.existsSync(to)).toBe(!refused);
  });

  test('that was swapped with another backup’s is found in both', async () => {
    for (const role of ['archive', 'scan'] as const) {
      const [a, b] = [artifactOf(older, role).key, artifactOf(newer, role).key];
      const { engine } = damaged((objects) => {
        const [one, other] = [bytesOf(objects, a), bytesOf(objects, b)];
        [one.bytes, other.bytes] = [other.bytes, one.bytes];
      });
      for (const manifest of [older, newer]) {
        expect((await verify(engine, manifest, 'content')).verdict).toBe('damaged');
      }
    }
  });
});

describe('a manifest with a bit flipped', () => {
  test('anywhere is not trusted or not read, and reported', async () => {
    const { length } = bytesOf(sound.objects, newer.key).bytes;
    const intact = Buffer.from(bytesOf(sound.objects, newer.key).bytes).toString();
    for (let at = 0; at < length; at += LONG ? 1 : 5) {
      const { engine, store } = damaged((objects) => {
        const object = bytesOf(objects, newer.key);
        object.bytes[at] = (object.bytes[at] ?? 0) ^ (1 << (at % 8));
      });
      const { backups, problems } = await surveySource(engine, 'site');
      const found = backups.find(({ id }) => id === newer.id);
      const text = Buffer.from(bytesOf(store.objects, newer.key).bytes).toString();
      expect({ at, text: text !== intact, standing: found?.standing ?? 'unreadable' }).toEqual({
        at,
        text: true,
        standing: expect.stringMatching(/^(untrusted|unreadable)$/),
      });
      expect(problems).toHaveLength(1);
      expect(problems[0]?.code).toMatch(/^(untrusted|unreadable)$/);
      expect(await codeOf(verify(engine, newer, 'digest'))).toMatch(
        /^(UNTRUSTED|BACKUP_DAMAGED|FORMAT_UNSUPPORTED)$/,
      );
    }
  });
});

describe('a record with a bit flipped', () => {
  test('anywhere proves nothing, and is reported', async () => {
    const key = (await keysOf(sound, 'records/verify/site/')).at(-1) ?? '';
    const { length } = bytesOf(sound.objects, key).bytes;
    for (let at = 0; at < length; at += LONG ? 1 : 5) {
      const { engine } = damaged((objects) => {
        const object = bytesOf(objects, key);
        object.bytes[at] = (object.bytes[at] ?? 0) ^ (1 << (at % 8));
      });
      const { backups, problems } = await surveySource(engine, 'site');
      expect({ at, standings: backups.map(({ standing }) => standing) }).toEqual({
        at,
        standings: ['good', 'unproven'],
      });
      expect(problems).toHaveLength(1);
      expect(problems[0]?.path).toBe(key);
    }
  });
});
