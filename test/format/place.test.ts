import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { isElsewhere, placeDifference, repositoryOf, type Place } from '../../lib/format/place.ts';

const onWeb1: Place = { host: 'web1', machine: 'a'.repeat(32), path: '/srv/shop' };

describe('a place is the same', () => {
  test.each<[string, Place, Place]>([
    ['when nothing differs', onWeb1, onWeb1],
    ['when the host was renamed', onWeb1, { ...onWeb1, host: 'shop-1' }],
    [
      'when a laptop is in another network',
      { host: 'anna.local', path: '/x' },
      { host: 'Anna.example.com', path: '/x' },
    ],
    ['when a container has no name that stays', { path: '/app' }, { path: '/app' }],
    [
      'when each deployment is a folder of its own',
      { path: '/srv/shop/releases/20261101120000' },
      { path: '/srv/shop/releases/20261102093000' },
    ],
    [
      'when such a folder is named by a commit',
      { path: `/srv/${'a'.repeat(40)}/web` },
      { path: `/srv/${'b'.repeat(40)}/web` },
    ],
    [
      'when it was backed up from CI and by hand from one repository',
      { ...onWeb1, remote: 'github.com/o/shop' },
      { remote: 'github.com/o/shop' },
    ],
    ['as far as CI without a repository can tell', onWeb1, {}],
  ])('%s', (_, before, now) => {
    expect(placeDifference(before, now)).toBeUndefined();
    expect(placeDifference(now, before)).toBeUndefined();
  });
});

test.each<[string, boolean, Place, Place]>([
  ['another machine', true, onWeb1, { ...onWeb1, machine: 'b'.repeat(32) }],
  ['a laptop, of what CI backs up', true, { remote: 'github.com/o/shop' }, onWeb1],
  ['another folder of the machine', false, onWeb1, { ...onWeb1, path: '/srv/staging' }],
  ['a container', false, { path: '/app' }, { path: '/staging' }],
  ['another repository in CI', false, { remote: 'a.example/o/shop' }, { remote: 'a.example/o/x' }],
])('whether %s only looks at backups that are made elsewhere: %s', (_, elsewhere, before, now) => {
  expect(isElsewhere(before, now)).toBe(elsewhere);
});

describe('a place is another', () => {
  test.each<[string, Place, Place, string]>([
    ['when two sites are on one machine', onWeb1, { ...onWeb1, path: '/srv/staging' }, 'path'],
    [
      'when two working trees of one repository are on one machine',
      { ...onWeb1, remote: 'github.com/o/shop' },
      { ...onWeb1, remote: 'github.com/o/shop', path: '/srv/staging' },
      'path',
    ],
    ['on another machine', onWeb1, { ...onWeb1, machine: 'b'.repeat(32) }, 'machine'],
    ['on another host', { host: 'a', path: '/x' }, { host: 'b', path: '/x' }, 'machine'],
    [
      'in CI of another repository',
      { remote: 'github.com/o/shop' },
      { remote: 'github.com/o/blog' },
      'repository',
    ],
  ])('%s', (_, before, now, difference) => {
    expect(placeDifference(before, now)).toBe(difference);
    expect(placeDifference(now, before)).toBe(difference);
  });
});

describe('a repository', () => {
  test.each([
    'https://github.com/Owner/Shop.git',
    'git@github.com:owner/shop.git',
    'ssh://git@github.com:22/owner/shop',
    'https://user:ghp_secret@github.com/owner/shop/',
    'https://github.com/owner/shop.git?token=secret#x',
    'git+ssh://git@github.com/owner/shop.git',
  ])('is the same however it is reached: %s', (url) => {
    expect(repositoryOf(url)).toBe('github.com/owner/shop');
  });

  test('is named without what the URL holds of users, passwords and tokens', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9]{12,30}$/);
    const host = fc.constantFrom('github.com', 'git.example.org:8443');
    const scheme = fc.constantFrom('https', 'ssh', 'http', 'git');
    fc.assert(
      fc.property(word, word, host, scheme, (user, secret, where, how) => {
        const urls = [
          `${how}://${user}:${secret}@${where}/o/n.git`,
          `${how}://${secret}@${where}/o/n.git`,
          `${how}://${where}/o/n.git?private_token=${secret}`,
          `${secret}@github.com:o/n.git`,
        ];
        for (const url of urls) {
          const name = repositoryOf(url) ?? '';
          expect(name).toMatch(/\/o\/n$/);
          expect(name).not.toContain(secret.toLowerCase());
          expect(name).not.toContain(user.toLowerCase());
        }
      }),
    );
  });

  test.each(['', 'x', 'C:', 'javascript:'])('is not one: %j', (url) => {
    expect(repositoryOf(url)).toBeUndefined();
  });
});
