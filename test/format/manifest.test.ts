import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { artifactOf, parseManifest, type Manifest } from '../../lib/format/manifest.ts';
import { parseRecord, type Record } from '../../lib/format/record.ts';

const SHA = 'ab'.repeat(32);
const FOLDER = 'backups/site/20261121T020000000Z-manual/';
const KEY = `${FOLDER}manifest.json`;
const TIME = '2026-11-21T02:00:00.000Z';

const manifest: Manifest = {
  format: 1,
  requires: [],
  key: KEY,
  system: 'example',
  source: 'site',
  kind: 'files',
  id: '20261121T020000000Z-manual',
  trigger: { kind: 'manual', at: TIME },
  begin: TIME,
  end: TIME,
  fullAt: TIME,
  status: 'partial',
  problems: [{ path: 'a', code: 'vanished', detail: 'gone', tolerated: true }],
  problemCount: 1,
  artifacts: [
    {
      role: 'archive',
      key: `${FOLDER}archive-x.tar.gz`,
      codec: 'gzip',
      bytes: 100,
      sha256: SHA,
      crc32: '01234567',
      table: { offset: 1, bytes: 2, rawBytes: 3, sha256: SHA },
    },
  ],
  totals: { entries: 1, files: 1, contentBytes: 1, readBytes: 1, reusedBytes: 0 },
  options: { codec: 'gzip', level: 2, full: true },
  git: { commit: 'c'.repeat(40), dirty: false },
  package: { name: 'site', version: '1.0.0' },
  tools: { holdfast: '0.1.0' },
};

const RECORD_KEY = 'records/verify/site/20261121T020000000Z-20261121T020000000Z-manual.json';
const record: Record = {
  format: 1,
  key: RECORD_KEY,
  system: 'example',
  source: 'site',
  verb: 'verify',
  subject: '20261121T020000000Z-manual',
  who: 'me',
  begin: TIME,
  end: TIME,
  verdict: 'proven',
  problems: [],
  problemCount: 0,
  facts: { level: 'digest', nested: [{ a: null }] },
};

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const [artifact] = manifest.artifacts;
const withArtifact = (change: object) => ({ artifacts: [{ ...artifact, ...change }] });

test('a manifest and a record are what was written', () => {
  expect(parseManifest(json(manifest), KEY)).toEqual(manifest);
  expect(parseRecord(json(record), RECORD_KEY)).toEqual(record);
  expect(artifactOf(manifest, 'archive')).toEqual(artifact);
});

test('an artifact that a manifest does not name is damage', () => {
  expect(() => artifactOf(manifest, 'dump')).toThrow(
    expect.objectContaining({ code: 'BACKUP_DAMAGED' }),
  );
});

describe('a manifest is refused as unsupported', () => {
  test.each<[string, unknown]>([
    ['of a newer format', { ...manifest, format: 2 }],
    ['of an older one', { ...manifest, format: 0 }],
    ['whose format is text', { ...manifest, format: '1' }],
    ['without a format', { ...manifest, format: undefined }],
    ['that requires what is unknown', { ...manifest, requires: ['encryption'] }],
    ['that requires something without a name', { ...manifest, requires: [{}] }],
    ['that is null', null],
    ['that is a list', [manifest]],
    ['that is text', 'manifest'],
  ])('%s', (_, payload) => {
    expect(() => parseManifest(json(payload), KEY)).toThrow(
      expect.objectContaining({ code: 'FORMAT_UNSUPPORTED' }),
    );
  });
});

describe('a manifest is refused as damaged', () => {
  test.each<[string, object]>([
    ['with a field that is unknown', { extra: 1 }],
    ['without artifacts', { artifacts: [] }],
    ['with a negative length', withArtifact({ bytes: -1 })],
    ['with a length that is text', withArtifact({ bytes: '100' })],
    ['with a length beyond what can be counted', withArtifact({ bytes: 2 ** 53 })],
    ['with a length that has a fraction', withArtifact({ bytes: 1.5 })],
    ['with a digest that is short', withArtifact({ sha256: 'ab' })],
    ['with a digest in capitals', withArtifact({ sha256: SHA.toUpperCase() })],
    ['with an unknown role', withArtifact({ role: 'key' })],
    ['with an unknown codec', withArtifact({ codec: 'none' })],
    [
      'with a table at a negative place',
      withArtifact({ table: { offset: -1, bytes: 2, rawBytes: 3, sha256: SHA } }),
    ],
    ['with a time that is not one', { begin: 'yesterday' }],
    ['with a time in another zone', { begin: '2026-11-21T02:00:00.000+01:00' }],
    ['with a status of its own', { status: 'ok' }],
    ['with requirements that are text', { requires: 'none' }],
    ['with a name that is endless', { system: 'x'.repeat(5000) }],
    ['with more problems than are listed', { problems: Array(1001).fill(manifest.problems[0]) }],
    ['with a trigger of its own', { trigger: { kind: 'cron', at: TIME } }],
  ])('%s', (_, change) => {
    expect(() => parseManifest(json({ ...manifest, ...change }), KEY)).toThrow(
      expect.objectContaining({ code: 'BACKUP_DAMAGED' }),
    );
  });

  test.each([
    ['a number that overflows', '"bytes":100', '"bytes":1e999'],
    ['a prototype', '"tools":{', '"__proto__":{"x":1},"tools":{'],
    ['a prototype inside', '"totals":{', '"totals":{"__proto__":{"x":1},'],
  ])('with %s', (_, from, to) => {
    const text = JSON.stringify(manifest).replace(from, to);
    expect(text).not.toBe(JSON.stringify(manifest));
    expect(() => parseManifest(JSON.parse(text), KEY)).toThrow(
      expect.objectContaining({ code: 'BACKUP_DAMAGED' }),
    );
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});

test('no JSON at all makes a manifest or a record fail in another way', () => {
  const failure = (act: () => unknown) => {
    try {
      act();
    } catch (error) {
      const { code } = error as { code?: unknown };
      expect(['BACKUP_DAMAGED', 'FORMAT_UNSUPPORTED']).toContain(code);
    }
  };
  const field = fc.constantFrom(...Object.keys(manifest), ...Object.keys(record));
  fc.assert(
    fc.property(fc.jsonValue(), field, (value, name) => {
      failure(() => parseManifest(value, KEY));
      failure(() => parseRecord(value, KEY));
      failure(() => parseManifest({ ...manifest, [name]: value }, KEY));
      failure(() => parseRecord({ ...record, [name]: value }, RECORD_KEY));
    }),
  );
});

describe('a record is refused', () => {
  test.each<[string, object, string]>([
    ['of another format', { format: 2 }, 'FORMAT_UNSUPPORTED'],
    ['with a verb that is unknown', { verb: 'delete' }, 'BACKUP_DAMAGED'],
    ['with a verdict of its own', { verdict: 'good' }, 'BACKUP_DAMAGED'],
    ['with a field that is unknown', { extra: 1 }, 'BACKUP_DAMAGED'],
    ['with a negative count', { problemCount: -1 }, 'BACKUP_DAMAGED'],
    // A key that may vouch for proofs alone must not be able to say what was pruned.
    ['that speaks for another verb than its key', { verb: 'prune' }, 'BACKUP_DAMAGED'],
    ['that speaks for another source than its key', { source: 'database' }, 'BACKUP_DAMAGED'],
    [
      'that speaks of another backup than its key',
      { subject: '20261122T020000000Z-manual' },
      'BACKUP_DAMAGED',
    ],
  ])('%s', (_, change, code) => {
    expect(() => parseRecord({ ...record, ...change }, RECORD_KEY)).toThrow(
      expect.objectContaining({ code }),
    );
  });
});
