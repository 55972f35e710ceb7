import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatS3Url, parseS3Url, type S3Place } from '../../lib/names/s3-place.ts';
import { isKeyPart } from '../../lib/stores/keys.ts';

const refused = expect.objectContaining({ name: 'HoldfastError', code: 'USAGE' });

test('takes a bucket alone, on AWS, with all that AWS can', () => {
  const place: S3Place = {
    bucket: 'my-backups',
    prefix: '',
    region: undefined,
    endpoint: undefined,
    account: undefined,
    pathStyle: false,
    checksums: 'full-object',
    versions: true,
    kmsKey: undefined,
  };
  for (const url of ['s3://my-backups', 's3://my-backups/', 'S3://my-backups']) {
    expect(parseS3Url(url)).toEqual(place);
  }
  expect(formatS3Url(place)).toBe('s3://my-backups');
});

test('takes every option', () => {
  const url =
    's3://b.1/some/prefix/?region=auto&endpoint=http://127.0.0.1:9000/&account=000000000000&style=host&checksums=part&versions=off&kms-key=arn:aws:kms:eu-central-1:000000000000:key/12-ab';
  const place = parseS3Url(url);
  expect(place).toEqual({
    bucket: 'b.1',
    prefix: 'some/prefix/',
    region: 'auto',
    endpoint: 'http://127.0.0.1:9000',
    account: '000000000000',
    pathStyle: false,
    checksums: 'part',
    versions: false,
    kmsKey: 'arn:aws:kms:eu-central-1:000000000000:key/12-ab',
  });
  expect(formatS3Url(place)).toBe(url.replace('prefix/?', 'prefix?').replace(':9000/', ':9000'));
});

test('puts the bucket into the path where there is an endpoint', () => {
  expect(parseS3Url('s3://bucket?endpoint=https://host').pathStyle).toBe(true);
  expect(parseS3Url('s3://bucket?endpoint=https://host&style=host').pathStyle).toBe(false);
  expect(parseS3Url('s3://bucket?style=path').pathStyle).toBe(true);
});

test('formats what it parses', () => {
  const part = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}$/);
  const optional = (values: readonly string[]) => fc.constantFrom(undefined, ...values);
  const places = fc.record({
    bucket: fc.stringMatching(/^[a-z0-9][a-z0-9.-]{1,20}[a-z0-9]$/),
    prefix: fc.array(part, { maxLength: 3 }).map((parts) => parts.map((one) => `${one}/`).join('')),
    region: optional(['eu-central-1', 'auto']),
    endpoint: optional(['http://127.0.0.1:7070', 'https://s3.example.org', 'http://[::1]:9000']),
    account: optional(['000000000000', '123456789012']),
    pathStyle: fc.boolean(),
    checksums: fc.constantFrom('full-object', 'part', 'none'),
    versions: fc.boolean(),
    kmsKey: optional(['alias/mine', 'arn:aws:kms:eu-central-1:123456789012:key/1-2']),
  });
  fc.assert(
    fc.property(places, (place) => {
      expect(parseS3Url(formatS3Url(place))).toEqual(place);
    }),
  );
});

test('takes as a part of the prefix what is a part of a key, and nothing else', () => {
  const part = fc
    .stringMatching(/^[A-Za-z0-9._\-~%+ä /\\]{1,6}$/)
    .filter((one) => !one.includes('/'));
  fc.assert(
    fc.property(part, (one) => {
      const parse = () => parseS3Url(`s3://bucket/a/${one}`);
      if (isKeyPart(one)) expect(parse().prefix).toBe(`a/${one}/`);
      else expect(parse).toThrow(refused);
    }),
    { numRuns: 500 },
  );
});

test.each([
  's3:/bucket',
  's3://',
  's3:///prefix',
  's3://Bucket',
  's3://b_b',
  's3://ab',
  's3://bucket/a//b',
  's3://bucket/../b',
  's3://bucket/a/../b',
  's3://bucket/%2e%2e',
  `s3://bucket/${'a/'.repeat(120)}`,
  's3://bucket#x',
  's3://bucket?region=',
  's3://bucket?region=a&region=b',
  's3://bucket?account=123',
  's3://bucket?style=virtual',
  's3://bucket?checksums=md5',
  's3://bucket?colour=red',
  's3://bucket?endpoint=host:9000',
  's3://bucket?endpoint=http://host/path',
  's3://bucket?endpoint=http://',
  'gs://bucket',
  '/a/folder',
])('refuses %s', (url) => {
  expect(() => parseS3Url(url)).toThrow(refused);
});

test.each([
  's3://AKIAX:hush@bucket/prefix',
  's3://hush@bucket',
  's3://bucket?access_key=hush',
  's3://bucket?secretAccessKey=hush',
  's3://bucket?X-Amz-Signature=hush',
  's3://bucket?AWS_SESSION_TOKEN=hush',
  's3://bucket?endpoint=http://user:hush@host',
  's3://bucket?hush%20hush=1',
])('refuses %s, and does not repeat what may be secret', (url) => {
  expect(() => parseS3Url(url)).toThrow(refused);
  expect(() => parseS3Url(url)).not.toThrow(/hush/);
});
