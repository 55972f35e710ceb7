// Whom the engine believes: files that nobody vouches for, that were moved, altered or signed by a key that may not, decide nothing.
import { describe, expect, test } from '@jest/globals';
import { openBackup } from '../../lib/engine/catalog/backups.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import { pinBackup } from '../../lib/engine/pin.ts';
import { pruneSource } from '../../lib/engine/prune.ts';
import { restoreTest } from '../../lib/engine/restore-test.ts';
import { surveySource } from '../../lib/engine/catalog/survey.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { backupId } from '../../lib/format/ids.ts';
import { manifestKey } from '../../lib/format/layout.ts';
import { encodeSigned, localSigner } from '../../lib/format/signed.ts';
import { Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  codeOf,
  contents,
  DAILY,
  DAY_MS,
  engineOn,
  folderSource,
  keysOf,
  makeGood,
  makeKeys,
  restoreTo,
  trust,
} from '../support/engine.ts';
import { plantSite } from '../support/small-site.ts';

const OURS = makeKeys();
const THEIRS = makeKeys();

function setUp() {
  const scratch = new Scratch();
  const root = scratch.at('site');
  plantSite(root);
  const clock = new Clock();
  const store = new ClockedStore(clock);
  const engine = engineOn(store, clock, {
    signer: localSigner(OURS.privateKey),
    trusted: [trust(OURS)],
  });
  return {
    scratch,
    clock,
    store,
    engine,
    source: folderSource(root),
    [Symbol.dispose]: () => scratch[Symbol.dispose](),
  };
}

type Setting = ReturnType<typeof setUp>;

const textOf = ({ store }: Setting, key: string) =>
  Buffer.from(store.objects.get(key)?.bytes ?? []).toString();

/** Puts `text` under `key`, whatever is there. */
function plantText({ store, clock }: Setting, key: string, text: string | Buffer): void {
  store.objects.set(key, {
    bytes: new Uint8Array(Buffer.from(text)),
    storedAt: new Date(clock.ms),
  });
}

const standings = async (engine: Engine) => {
  const { backups } = await surveySource(engine, 'site');
  return backups.map(({ standing }) => standing);
};

/** Every verb that would use the backup refuses it, and nothing is written on the way but the record of a refused restore. */
async function expectRefused(setting: Setting, id: string, engine = setting.engine) {
  const backup = { source: 'site', id };
  const to = setting.scratch.at('restored');
  const before = await contents(setting.store);
  expect(await codeOf(openBackup(engine, 'site', id))).toBe('UNTRUSTED');
  expect(await codeOf(verifyBackup(engine, backup, 'digest'))).toBe('UNTRUSTED');
  expect(await codeOf(restoreTest(engine, backup))).toBe('UNTRUSTED');
  expect(await contents(setting.store)).toEqual(before);
  expect(await codeOf(restoreTo(engine, backup, to, { skipDamaged: true }))).toBe('UNTRUSTED');
  const { backups, problems } = await surveySource(engine, 'site');
  expect(backups.find((one) => one.id === id)).toMatchObject({
    standing: 'untrusted',
    good: false,
  });
  expect(problems).toContainEqual(
    expect.objectContaining({ path: `site/${id}`, code: 'untrusted' }),
  );
  const { keep, release } = await pruneSource(engine, 'site', { ...DAILY, dryRun: true });
  expect([...keep, ...release].map((one) => one.id)).not.toContain(id);
}

describe('a manifest', () => {
  test('signed by a key that nobody trusts is refused, unless the user says otherwise', async () => {
    using setting = setUp();
    const { id } = await makeGood(setting.engine, setting.source);
    const stranger = { ...setting.engine, trusted: [trust(THEIRS)] };
    await expectRefused(setting, id, stranger);
    const anyone = { ...stranger, trustAnyone: true };
    expect((await verifyBackup(anyone, { source: 'site', id }, 'content')).verdict).toBe('proven');
  });

  test('is refused once its key is trusted no more', async () => {
    using setting = setUp();
    const { id } = await makeGood(setting.engine, setting.source);
    await expectRefused(setting, id, { ...setting.engine, trusted: [] });
  });

  test('is refused when its key may vouch for other sources only', async () => {
    using setting = setUp();
    const { id } = await makeGood(setting.engine, setting.source);
    for (const prefixes of [['backups/site2/', 'records/'], ['backups/sit'], ['records/']]) {
      const engine = { ...setting.engine, trusted: [trust(OURS, prefixes)] };
      const may = prefixes.includes('backups/sit');
      if (may) await openBackup(engine, 'site', id);
      else await expectRefused(setting, id, engine);
    }
  });

  test('is refused with any digit of it altered, or its seal another', async () => {
    using setting = setUp();
    const { id, manifest } = await makeGood(setting.engine, setting.source);
    const whole = textOf(setting, manifest.key);
    const other = textOf(setting, (await makeGood(setting.engine, setting.source)).manifest.key);
    const [open, , , close] = whole.split('\n');
    const altered = whole.replace(`"files":${manifest.totals.files}`, '"files":1');
    const reSealed = [open, whole.split('\n')[1], other.split('\n')[2], close, ''].join('\n');
    const emptySeal = whole.replace(/"signature":"[^"]*"/, '"signature":""');
    for (const text of [altered, reSealed, emptySeal]) {
      expect(text).not.toBe(whole);
      plantText(setting, manifest.key, text);
      await expectRefused(setting, id);
    }
  });

  test('without a signature, or without sense, is reported as unreadable and used by nobody', async () => {
    using setting = setUp();
    const { id, manifest } = await makeGood(setting.engine, setting.source);
    const whole = textOf(setting, manifest.key);
    const [open, line = '', , close] = whole.split('\n');
    const unsigned = [line, `[\n${line}\n]\n`, [open, line, ',{}', close, ''].join('\n')];
    const senseless = [
      '',
      '{}',
      'null',
      '[\n{}\n,null\n]\n',
      whole.slice(0, 100),
      whole + whole,
      '\0'.repeat(500),
    ];
    for (const text of [...unsigned, ...senseless]) {
      plantText(setting, manifest.key, text);
      expect(await codeOf(openBackup(setting.engine, 'site', id))).toBe('BACKUP_DAMAGED');
      const { backups, problems } = await surveySource(setting.engine, 'site');
      expect(backups).toEqual([]);
      expect(problems).toMatchObject([{ path: manifest.key, code: 'unreadable' }]);
      const { keep, release, orphans } = await pruneSource(setting.engine, 'site', {
        ...DAILY,
        dryRun: true,
      });
      expect([...keep, ...release, ...orphans]).toEqual([]);
    }
  });

  test.each(['[]', '{"format":2}', '{"format":1,"requires":["time-travel"]}'])(
    'of another format (%s) is refused, signed as it may be',
    async (payload) => {
      using setting = setUp();
      const { id, manifest } = await makeGood(setting.engine, setting.source);
      const signer = localSigner(OURS.privateKey);
      plantText(setting, manifest.key, await encodeSigned(JSON.parse(payload) as object, signer));
      expect(await codeOf(openBackup(setting.engine, 'site', id))).toBe('FORMAT_UNSUPPORTED');
    },
  );

  test('copied to another id, another source or another store of ours is refused', async () => {
    using setting = setUp();
    const { manifest } = await makeGood(setting.engine, setting.source);
    const text = textOf(setting, manifest.key);
    const later = backupId({ kind: 'manual', at: new Date(setting.clock.ms) });
    plantText(setting, manifestKey('site', later), text);
    await expectRefused(setting, later);
    plantText(setting, manifestKey('other', manifest.id), text);
    expect(await codeOf(openBackup(setting.engine, 'other', manifest.id))).toBe('UNTRUSTED');
    const elsewhere = { ...setting.engine, system: 'another' };
    expect(await codeOf(openBackup(elsewhere, 'site', manifest.id))).toBe('UNTRUSTED');
  });

  test('that names the artifacts of another backup is refused, although a trusted key signed it', async () => {
    using setting = setUp();
    const { manifest } = await makeGood(setting.engine, setting.source);
    const id = backupId({ kind: 'manual', at: new Date(setting.clock.ms) });
    const key = manifestKey('site', id);
    const signer = localSigner(OURS.privateKey);
    plantText(setting, key, await encodeSigned({ ...manifest, key, id }, signer));
    await expectRefused(setting, id);
    plantText(setting, key, await encodeSigned({ ...manifest, key }, signer));
    await expectRefused(setting, id);
  });

  test('planted beforehand by a stranger makes the run fail loudly, and not be taken for it', async () => {
    using setting = setUp();
    const at = new Date(setting.clock.ms);
    const id = backupId({ kind: 'schedule', at });
    const theirs = { ...setting.engine, signer: localSigner(THEIRS.privateKey) };
    await backUpNow(theirs, setting.source, { kind: 'schedule', at });
    expect(await codeOf(backUpNow(setting.engine, setting.source, { kind: 'schedule', at }))).toBe(
      'UNTRUSTED',
    );
    await expectRefused(setting, id);
  });

  test('by a stranger is nobody’s predecessor', async () => {
    using setting = setUp();
    const theirs = { ...setting.engine, signer: localSigner(THEIRS.privateKey) };
    await backUpNow(theirs, setting.source);
    const { predecessor, manifest } = await makeGood(setting.engine, setting.source);
    expect(predecessor).toBeUndefined();
    expect(manifest.totals.readBytes).toBe(manifest.totals.contentBytes);
  });
});

describe('evidence', () => {
  test('makes a backup good only when its key may vouch for evidence', async () => {
    using setting = setUp();
    // The writer's key may not prove what it wrote, the verifier's may.
    const trusted = [trust(OURS, ['backups/']), trust(THEIRS, ['records/verify/'])];
    const writer = { ...setting.engine, trusted };
    const made = await backUpNow(writer, setting.source);
    await verifyBackup(writer, made, 'digest');
    expect(await standings(writer)).toEqual(['unproven']);
    const { problems } = await surveySource(writer, 'site');
    expect(problems).toMatchObject([{ code: 'untrusted' }]);
    const verifier = { ...writer, signer: localSigner(THEIRS.privateKey) };
    await verifyBackup(verifier, made, 'digest');
    expect(await standings(writer)).toEqual(['good']);
    // Nor may the verifier say that it restores.
    await restoreTest({ ...verifier, scratch: setting.scratch.path }, made);
    expect((await surveySource(writer, 'site')).backups[0]?.evidence).toMatchObject([
      { verb: 'verify' },
    ]);
  });

  test('that was altered, copied or made up proves nothing and damns nothing', async () => {
    using setting = setUp();
    const first = await makeGood(setting.engine, setting.source);
    const second = await backUpNow(setting.engine, setting.source);
    const [key = ''] = await keysOf(setting.store, 'records/verify/site/');
    const text = textOf(setting, key);
    const copied = key.replace(first.id, second.id);
    const forgeries = {
      [copied]: text,
      [copied.replace('verify', 'restore-test')]: text,
      [key.replace(/\d{3}Z-/, '999Z-')]: text.replace('"proven"', '"damaged"'),
    };
    for (const [at, forged] of Object.entries(forgeries)) plantText(setting, at, forged);
    expect(await standings(setting.engine)).toEqual(['good', 'unproven']);
    const { problems } = await surveySource(setting.engine, 'site');
    // Refused as untrusted, or as no record at all when it is not even one of its place.
    expect(problems.filter(({ path }) => path in forgeries)).toHaveLength(3);
  });

  test('that cannot be read is reported and hides none of the rest', async () => {
    using setting = setUp();
    const { id } = await makeGood(setting.engine, setting.source);
    plantText(setting, `records/verify/site/20300101T000000000Z-${id}.json`, 'not json');
    expect(await standings(setting.engine)).toEqual(['good']);
    const { problems } = await surveySource(setting.engine, 'site');
    expect(problems).toMatchObject([{ code: 'unreadable' }]);
  });

  test('that says damaged, once, counts for good: no later proof makes a backup good again', async () => {
    using setting = setUp();
    const { id, manifest } = await makeGood(setting.engine, setting.source);
    const object = setting.store.objects.get(manifest.artifacts[0]?.key ?? '');
    if (object === undefined) throw new Error('no archive');
    const whole = object.bytes;
    object.bytes = whole.slice(0, -1);
    expect((await verifyBackup(setting.engine, { source: 'site', id }, 'digest')).verdict).toBe(
      'damaged',
    );
    object.bytes = whole;
    expect((await verifyBackup(setting.engine, { source: 'site', id }, 'content')).verdict).toBe(
      'proven',
    );
    expect(await standings(setting.engine)).toEqual(['damaged']);
  });
});

describe('a record by a stranger', () => {
  test('pins nothing, and hides no backup that is gone', async () => {
    using setting = setUp();
    const theirs = { ...setting.engine, signer: localSigner(THEIRS.privateKey) };
    const { id } = await makeGood(setting.engine, setting.source);
    await pinBackup(theirs, { source: 'site', id }, 'mine now');
    const { backups, problems } = await surveySource(setting.engine, 'site');
    expect(backups[0]?.pinnedBy).toEqual([]);
    expect(problems).toMatchObject([{ code: 'untrusted' }]);
    await pruneSource(setting.engine, 'site', DAILY);
    setting.store.objects.delete(manifestKey('site', id));
    await pruneSource(theirs, 'site', DAILY);
    const { problems: found } = await pruneSource(setting.engine, 'site', {
      ...DAILY,
      dryRun: true,
    });
    expect(found).toContainEqual(expect.objectContaining({ path: `site/${id}`, code: 'missing' }));
  });

  test('releases no artifact of a run under way', async () => {
    using setting = setUp();
    await makeGood(setting.engine, setting.source);
    const key = `backups/site/${backupId({ kind: 'manual', at: new Date(setting.clock.ms) })}/archive-0.tar.gz`;
    plantText(setting, key, 'half');
    const theirs = { ...setting.engine, signer: localSigner(THEIRS.privateKey) };
    setting.clock.advance(DAY_MS);
    await pruneSource(theirs, 'site', DAILY);
    const { orphans } = await pruneSource(setting.engine, 'site', DAILY);
    expect(orphans).toMatchObject([{ released: false }]);
    expect(await keysOf(setting.store, key)).toEqual([key]);
  });
});
