// What must not get into a log does not, however it comes along.
import { expect, test } from '@jest/globals';
import { functionError } from '../../lib/functions/invocation.ts';
import { errorFields } from '../../lib/functions/logger.ts';
import { withoutSecrets } from '../../lib/functions/without-secrets.ts';
import { HoldfastError } from '../../lib/errors.ts';

const CANARY = 'c4n4ryc4n4ryc4n4ry';

const LEAKS = [
  `https://b.s3.amazonaws.com/k?X-Amz-Credential=${CANARY}&X-Amz-Signature=${CANARY}`,
  `https://b.s3.amazonaws.com/k?Signature=${CANARY}&Expires=1`,
  `Authorization: Bearer ${CANARY}`,
  `token ghp_${CANARY}`,
  `-----BEGIN EC PRIVATE KEY-----\n${CANARY}\n-----END EC PRIVATE KEY-----`,
  `-----BEGIN PRIVATE KEY-----\n${CANARY}`,
  `https://user:${CANARY}@example.com/`,
];

test.each(LEAKS)('%j', (text) => {
  expect(withoutSecrets(`before ${text}`)).not.toContain(CANARY);
  const cause = new Error(text);
  for (const error of [
    new HoldfastError('STORE_DENIED', text, { cause }),
    new Error(text, { cause }),
    new HoldfastError('STORE_DENIED', 'what may be said', { cause }),
  ]) {
    expect(JSON.stringify(errorFields(error))).not.toContain(CANARY);
    const thrown = functionError(error);
    expect(`${thrown.message} ${thrown.stack ?? ''} ${JSON.stringify(thrown)}`).not.toContain(
      CANARY,
    );
  }
});

test('what is harmless stays as it is', () => {
  const text =
    'backups/site/20261122T030000000Z-schedule/manifest.json of s3://bucket/prefix?region=x';
  expect(withoutSecrets(text)).toBe(text);
});
