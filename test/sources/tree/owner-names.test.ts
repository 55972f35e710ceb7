// Names of owners, compared with what the system itself says.
import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { OwnersSeen, ownershipOf, withNames } from '../../../lib/sources/tree/owner-names.ts';
import type { SourceEntry } from '../../../lib/archive/write/plan.ts';

function sourceEntry(owned: Pick<SourceEntry, 'path' | 'uid' | 'gid'>): SourceEntry {
  return {
    type: 'file',
    size: 0,
    mode: 0o644,
    mtimeMicroseconds: 0,
    linkTarget: undefined,
    readPath: undefined,
    stat: '',
    shared: false,
    holes: false,
    ...owned,
  };
}

/** An account other than root's, as `getent` tells it. */
function accountOf(database: 'passwd' | 'group'): { name: string; number: number } {
  const lines = execFileSync('getent', [database]).toString().split('\n');
  for (const line of lines) {
    const [name = '', , number = ''] = line.split(':');
    if (name !== '' && Number(number) > 0) return { name, number: Number(number) };
  }
  throw new Error(`no account in ${database}`);
}

const user = accountOf('passwd');
const group = accountOf('group');
const NOBODY_HAS = 3_000_000_017;

test('owners have the names that the system gives them, root and unknown numbers none', async () => {
  const seen = new OwnersSeen();
  const owned = (uid: number, gid: number) => sourceEntry({ path: `f${uid}`, uid, gid });
  const entries = [owned(0, 0), owned(user.number, group.number), owned(NOBODY_HAS, NOBODY_HAS)];
  expect([...seen.watch(entries)]).toEqual(entries);
  expect(await seen.names()).toEqual({
    users: { [user.number]: user.name },
    groups: { [group.number]: group.name },
  });
});

test('a tree of root and of numbers without a name records no names', async () => {
  const seen = new OwnersSeen();
  expect([...seen.watch([sourceEntry({ path: 'f', uid: 0, gid: NOBODY_HAS })])]).toHaveLength(1);
  expect(await seen.names()).toBeUndefined();
});

test('what is restored goes to the number that a name has here, and else to the recorded one', async () => {
  const names = {
    users: { '4242': user.name, '4243': 'nobody-has-this-name' },
    groups: { '4242': group.name },
  };
  const { users, groups } = await ownershipOf('all', names);
  expect({ users, groups }).toEqual({
    users: { 4242: user.number },
    groups: { 4242: group.number },
  });
});

test('owners that could not be given are told by name', () => {
  const names = { users: { '33': 'www-data' }, groups: {} };
  const unkept = { owners: 2, of: ['33:33', '0:0'], problems: [] };
  expect(withNames(unkept, names).of).toEqual(['www-data:33', 'root:root']);
});
