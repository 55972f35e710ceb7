import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { HoldfastError } from '../../lib/errors.ts';
import {
  decodeSigned,
  encodeSigned,
  keyIdOf,
  localSigner,
  MAX_SIGNED_BYTES,
  trustedKey,
} from '../../lib/format/signed.ts';
import { Scratch } from '../support/archives.ts';
import { need } from '../needs/need.ts';

need('openssl');

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signer = localSigner(pair.privateKey);
const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const KEY = 'backups/site/20261121T020000000Z-manual/manifest.json';
const writer = trustedKey('writer', pem, ['backups/site/']);
const payload = { key: KEY, text: 'ä\u2028\n"\u{1f600}', n: 1 };

const damaged = expect.objectContaining({ code: 'BACKUP_DAMAGED' }) as unknown as Error;

describe('a signed file', () => {
  test('gives back its payload, trusted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (object) => {
        const wanted = { ...object, key: KEY };
        const file = decodeSigned(await encodeSigned(wanted, signer), KEY, [writer]);
        expect(file.distrust).toBeUndefined();
        expect(JSON.stringify(file.payload)).toBe(JSON.stringify(wanted));
        expect(file.keyId).toBe(keyIdOf(pair.publicKey));
      }),
      { numRuns: 30 },
    );
  });

  test('is JSON, four lines of it, and openssl checks the second', async () => {
    using scratch = new Scratch();
    const bytes = await encodeSigned(payload, signer);
    const [first, seal] = JSON.parse(bytes.toString()) as [
      object,
      { signature: string; keyId: string },
    ];
    expect(first).toEqual(payload);
    expect(bytes.toString().trimEnd().split('\n').length).toBe(4);
    fs.writeFileSync(scratch.at('manifest.json'), bytes);
    fs.writeFileSync(scratch.at('key.pem'), pem);
    fs.writeFileSync(scratch.at('signature'), Buffer.from(seal.signature, 'base64'));
    const verify =
      'sed -n 2p manifest.json | openssl dgst -sha256 -verify key.pem -signature signature';
    expect(execFileSync('sh', ['-c', verify], { cwd: scratch.path }).toString()).toBe(
      'Verified OK\n',
    );
    const keyId = 'openssl pkey -pubin -in key.pem -outform DER | sha256sum';
    expect(execFileSync('sh', ['-c', keyId], { cwd: scratch.path }).toString().slice(0, 64)).toBe(
      seal.keyId,
    );
  });

  test('that openssl signed is trusted as well', async () => {
    using scratch = new Scratch();
    fs.writeFileSync(
      scratch.at('key.pem'),
      pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    );
    const bytes = await encodeSigned(payload, {
      keyId: signer.keyId,
      sign: (input) =>
        Promise.resolve(
          execFileSync('openssl', ['dgst', '-sha256', '-sign', scratch.at('key.pem')], { input }),
        ),
    });
    expect(decodeSigned(bytes, KEY, [writer]).distrust).toBeUndefined();
  });
});

describe('no key vouches for a file', () => {
  const distrustOf = async (key: string, trusted = [writer], object: object = payload) =>
    decodeSigned(await encodeSigned(object, signer), key, trusted).distrust;

  test('signed with a key that is not trusted', async () => {
    expect(await distrustOf(KEY, [])).toMatch(/not trusted/);
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
    const stranger = trustedKey(
      'other',
      other.export({ type: 'spki', format: 'der' }).toString('base64'),
      ['backups/'],
    );
    expect(await distrustOf(KEY, [stranger])).toMatch(/not trusted/);
  });

  test.each([
    'backups/database/20261121T020000000Z-manual/manifest.json',
    'records/verify/site/20261121T020000000Z-x.json',
    'backups/site2/20261121T020000000Z-manual/manifest.json',
  ])('that stands outside the prefixes of its key: %s', async (key) => {
    expect(await distrustOf(key, [writer], { key })).toMatch(/may not vouch/);
  });

  test('that was copied under another key', async () => {
    const copy = 'backups/site/20261122T020000000Z-manual/manifest.json';
    expect(await distrustOf(copy)).toMatch(/not for where it stands/);
  });

  test.each([[null], [[]], [{}], [{ key: [KEY] }]])(
    'that does not name its own key: %j',
    async (object) => {
      expect(await distrustOf(KEY, [writer], object as object)).toMatch(/not for where it stands/);
    },
  );

  test('that claims the id of a trusted key', async () => {
    const thief = localSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
    const bytes = await encodeSigned(payload, { ...thief, keyId: signer.keyId });
    expect(decodeSigned(bytes, KEY, [writer]).distrust).toMatch(/does not match/);
  });

  test('whose prefixes belong to several entries of one key, unless one of them covers it', async () => {
    const prover = trustedKey('prover', pem, ['records/verify/']);
    expect(await distrustOf(KEY, [prover])).toMatch(/may not vouch/);
    expect(await distrustOf(KEY, [prover, writer])).toBeUndefined();
  });
});

test('no change of a byte leaves another payload trusted', async () => {
  const bytes = await encodeSigned(payload, signer);
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [1, 128]) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ bit;
      const outcome = () => {
        try {
          const file = decodeSigned(flipped, KEY, [writer]);
          return file.distrust !== undefined || isDeepStrictEqual(file.payload, payload);
        } catch (error) {
          return (error as HoldfastError).code;
        }
      };
      expect([true, 'BACKUP_DAMAGED']).toContain(outcome());
    }
  }
});

describe('what is no signed file is damaged', () => {
  test('wherever a signed file is cut off, and with anything behind it', async () => {
    const bytes = await encodeSigned(payload, signer);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSigned(bytes.subarray(0, length), KEY, [writer])).toThrow(damaged);
    }
    for (const more of ['\n', 'x', '\0', '[\n']) {
      expect(() => decodeSigned(Buffer.concat([bytes, Buffer.from(more)]), KEY, [writer])).toThrow(
        damaged,
      );
    }
  });

  test.each([
    ['an object', '{}'],
    ['without a seal', '[\n{}\n\n]\n'],
    ['with a seal of text', '[\n{}\n,"x"\n]\n'],
    ['with a seal that is null', '[\n{}\n,null\n]\n'],
    ['with a signature that is a number', '[\n{}\n,{"keyId":"a","signature":1}\n]\n'],
    ['with a payload that is no JSON', '[\n{\n,{"keyId":"a","signature":""}\n]\n'],
    [
      'nested beyond reason',
      `[\n${'['.repeat(200_000)}${']'.repeat(200_000)}\n,{"keyId":"a","signature":""}\n]\n`,
    ],
  ])('%s', (_, text) => {
    expect(() => decodeSigned(Buffer.from(text), KEY, [writer])).toThrow(damaged);
  });

  test('in bytes that are no UTF-8, which several files would share', async () => {
    const bytes = await encodeSigned({ ...payload, text: '\ufffd' }, signer);
    const at = bytes.indexOf('\ufffd');
    for (const lie of [[0xff], [0xef, 0xbf], [0xff, 0xbf, 0xbd]]) {
      const other = Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(lie),
        bytes.subarray(at + 3),
      ]);
      expect(() => decodeSigned(other, KEY, [writer])).toThrow(damaged);
    }
  });

  test('beyond the size that any may have, before it is parsed', () => {
    expect(() => decodeSigned(Buffer.alloc(MAX_SIGNED_BYTES + 1, 'a'), KEY, [writer])).toThrow(
      damaged,
    );
  });
});

describe('keys', () => {
  test('are read from PEM and from the base64 of SPKI', () => {
    const der = pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    expect(trustedKey('a', der, []).keyId).toBe(trustedKey('a', pem, []).keyId);
  });

  test.each([
    ['no key at all', 'hello'],
    [
      'RSA',
      generateKeyPairSync('rsa', { modulusLength: 2048 })
        .publicKey.export({ type: 'spki', format: 'pem' })
        .toString(),
    ],
    [
      'another curve',
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
        .publicKey.export({ type: 'spki', format: 'pem' })
        .toString(),
    ],
    [
      'Ed25519',
      generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    ],
  ])('are refused when they are %s', (_, text) => {
    expect(() => trustedKey('a', text, [])).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  test('of another kind sign nothing', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    expect(() => localSigner(privateKey)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
