import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fsPath } from '../../lib/format/paths.ts';
import { sumsLine } from '../../lib/format/sums.ts';
import { Scratch } from '../support/archives.ts';

const NAMES = [
  'plain',
  ' leading',
  'trailing ',
  '-rf',
  '*star',
  'back\\slash',
  'new\nline',
  'both\\n\n\\',
  'carriage\rreturn',
  'end\r',
  'tab\tescape\x1b[31m',
  '\xff\xfe not UTF-8',
  'quote\'s "both" $(x) %s',
];

test('sha256sum checks files of any name', () => {
  using scratch = new Scratch();
  let sums = '';
  for (const name of NAMES) {
    fs.writeFileSync(fsPath(`${scratch.path}/${name}`), name);
    sums += sumsLine(name, createHash('sha256').update(name).digest('hex'));
  }
  const check = (text: string) =>
    execFileSync('sha256sum', ['--check', '--strict', '--quiet'], {
      cwd: scratch.path,
      input: Buffer.from(text, 'latin1'),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  expect(check(sums).length).toBe(0);
  expect(() => check(sums.replace(/^./, (digit) => (digit === '0' ? '1' : '0')))).toThrow();
});

test('each line stands for one name alone', () => {
  const name = fc
    .uint8Array({ minLength: 1, maxLength: 20 })
    .map((raw) => Buffer.from(raw).toString('latin1'));
  const sha256 = 'ab'.repeat(32);
  fc.assert(
    fc.property(name, name, (one, other) => {
      expect(sumsLine(one, sha256) === sumsLine(other, sha256)).toBe(one === other);
      expect(sumsLine(one, sha256).indexOf('\n')).toBe(sumsLine(one, sha256).length - 1);
    }),
  );
});
