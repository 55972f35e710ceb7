import { expect, test } from '@jest/globals';
import { HoldfastError } from '../../../lib/errors.ts';
import { storeError } from '../../../lib/stores/folder/errors.ts';

const errno = (code: string) => Object.assign(new Error(code), { code, syscall: 'open' });

test.each([
  ['ENOSPC', 'NO_SPACE'],
  ['EDQUOT', 'NO_SPACE'],
  ['EFBIG', 'NO_SPACE'],
  ['EACCES', 'STORE_DENIED'],
  ['EPERM', 'STORE_DENIED'],
  ['EROFS', 'STORE_DENIED'],
  ['ELOOP', 'PATH_UNSAFE'],
  ['ENAMETOOLONG', 'PATH_UNSAFE'],
  ['EMFILE', 'STORE_UNAVAILABLE'],
  ['EXDEV', 'STORE_UNAVAILABLE'],
  ['EIO', 'STORE_UNAVAILABLE'],
  ['ESTALE', 'STORE_UNAVAILABLE'],
])('turns %s into %s, names what was done and keeps the cause', (code, expected) => {
  const cause = errno(code);
  const error = storeError(cause, 'writing /store/a');
  expect(error).toMatchObject({ name: 'HoldfastError', code: expected, cause });
  expect(error).toMatchObject({ message: `writing /store/a failed with ${code}` });
  expect((error as HoldfastError).hint).toMatch(/\.$/);
});

test('leaves alone what is no error of the operating system', () => {
  const known = new HoldfastError('LOCKED', 'held', { cause: errno('EEXIST') });
  for (const error of [known, new TypeError('a bug'), 'text', undefined, null]) {
    expect(storeError(error, 'x')).toBe(error);
  }
});
