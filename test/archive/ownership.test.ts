// Who gets what is restored: decided from the entry and the user alone.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ASIDE, BY_NUMBER, dueOf, type Ownership } from '../../lib/archive/read/ownership.ts';

const entries = fc.record({
  type: fc.constantFrom('file', 'directory'),
  uid: fc.integer({ min: 0, max: 3 }),
  gid: fc.integer({ min: 0, max: 3 }),
  mode: fc.integer({ min: 0, max: 0o7777 }),
});
const users = fc.record({
  uid: fc.integer({ min: 1, max: 3 }),
  groups: fc.uniqueArray(fc.integer({ min: 0, max: 3 })),
});
const byUser = (to: Ownership['to']): Ownership => ({ users: {}, groups: {}, to });

describe('a user who is not root', () => {
  test('never gives set-id bits without the owner or group that they stand for', () => {
    fc.assert(
      fc.property(entries, users, (entry, user) => {
        const { mode } = dueOf(entry, byUser(user));
        if ((mode & 0o4000) !== 0) expect(entry.uid).toBe(user.uid);
        if ((mode & 0o2000) !== 0) expect(user.groups).toContain(entry.gid);
        expect(mode & 0o1777).toBe(entry.mode & 0o1777);
      }),
    );
  });

  test('gives what is his own back as it was, and otherwise says what is lost', () => {
    fc.assert(
      fc.property(entries, users, (entry, user) => {
        const due = dueOf(entry, byUser(user));
        const own = entry.uid === user.uid && user.groups.includes(entry.gid);
        expect(due.ownerLost).toBe(!own);
        expect(due.bitsLost).toBe(due.mode !== entry.mode);
        if (own) expect(due.mode).toBe(entry.mode);
      }),
    );
  });
});

test('root gives every owner and bit, to the number that the name has here', () => {
  fc.assert(
    fc.property(entries, (entry) => {
      const { uid, gid, mode, ownerLost, bitsLost } = dueOf(entry, {
        ...BY_NUMBER,
        users: { 2: 1002 },
        groups: { 3: 1003 },
      });
      expect([uid, gid]).toEqual([
        entry.uid === 2 ? 1002 : entry.uid,
        entry.gid === 3 ? 1003 : entry.gid,
      ]);
      expect({ mode, ownerLost, bitsLost }).toEqual({
        mode: entry.mode,
        ownerLost: false,
        bitsLost: false,
      });
    }),
  );
});

test('where owners are left aside, nothing is given, and nothing is called lost', () => {
  fc.assert(
    fc.property(entries, (entry) => {
      const { uid, gid, mode, ownerLost, bitsLost } = dueOf(entry, ASIDE);
      expect({ uid, gid, ownerLost, bitsLost }).toEqual({
        uid: undefined,
        gid: undefined,
        ownerLost: false,
        bitsLost: false,
      });
      expect(mode).toBe(entry.mode & 0o1777);
    }),
  );
});
