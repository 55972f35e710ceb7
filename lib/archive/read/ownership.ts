// Owners and set-id bits: what of them a restore gives, by whom it is run. Pure decisions, shared by what writes and what compares.
import type { Problem } from '../../errors.ts';
import { displayPath } from '../../format/paths.ts';

/** Who may be given what is restored: a plain value, as it is handed to workers. */
export interface Ownership {
  /** Numbers that have another number here, because their names do; both of users and of groups. */
  readonly users: Readonly<Record<number, number>>;
  readonly groups: Readonly<Record<number, number>>;
  /**
   * `anybody`: as root. A user: what he may give, which is what is his own, to the groups that he is in. `nobody`: owners are left
   * aside.
   */
  readonly to: 'anybody' | 'nobody' | { readonly uid: number; readonly groups: readonly number[] };
}

/** Owners and set-id bits are left aside, as in a restore test. */
export const ASIDE: Ownership = { users: {}, groups: {}, to: 'nobody' };

/** Root gives everything to the recorded numbers. */
export const BY_NUMBER: Ownership = { users: {}, groups: {}, to: 'anybody' };

/** What an entry gets. */
export interface Due {
  /** Who it belongs to by the backup, as numbers of this machine. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** What to hand to `chown`; undefined where that number cannot be given. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** The permission bits that it gets. */
  readonly mode: number;
  /** True when its owner or group is left to whoever restores, although the backup names another. */
  readonly ownerLost: boolean;
  /** True when set-id bits are left off because of that. */
  readonly bitsLost: boolean;
}

interface Recorded {
  readonly type: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

const SET_USER = 0o4000;
const SET_GROUP = 0o2000;

/**
 * What `entry` gets under `ownership`.
 *
 * A set-id bit goes with its owner or group alone: without them it would give away the rights of whoever restores.
 */
export function dueOf(entry: Recorded, ownership: Ownership): Due {
  const { to } = ownership;
  const owner = {
    uid: ownership.users[entry.uid] ?? entry.uid,
    gid: ownership.groups[entry.gid] ?? entry.gid,
  };
  if (to === 'anybody') {
    return { owner, ...owner, mode: entry.mode, ownerLost: false, bitsLost: false };
  }
  if (to === 'nobody') {
    const mode = entry.mode & ~(SET_USER | SET_GROUP);
    return { owner, uid: undefined, gid: undefined, mode, ownerLost: false, bitsLost: false };
  }
  const own = owner.uid === to.uid;
  const grouped = to.groups.includes(owner.gid);
  const kept = (own ? SET_USER : 0) | (grouped ? SET_GROUP : 0) | 0o1777;
  const mode = entry.mode & kept;
  return {
    owner,
    uid: undefined,
    gid: grouped ? owner.gid : undefined,
    mode,
    ownerLost: !own || !grouped,
    bitsLost: entry.type !== 'symlink' && mode !== entry.mode,
  };
}

/** What a restore wrote and could not make as it was recorded. */
export interface Unkept {
  /** How many entries belong to another than the backup says, and cannot be given back by the user who restores. */
  readonly owners: number;
  /** Whose they were, as `uid:gid` by the backup: the first few. */
  readonly of: readonly string[];
  /** Set-id bits that are lost, and what the file system refused. Names of one file that became copies have the code `hard-link`. */
  readonly problems: readonly Problem[];
}

const HARD_LINK = 'hard-link';

export const ALL_KEPT: Unkept = { owners: 0, of: [], problems: [] };
const OWNERS_NAMED = 3;

/** Gathers what is not kept, entry by entry. */
export class UnkeptList implements Unkept {
  owners = 0;
  readonly of: string[] = [];
  readonly problems: Problem[] = [];

  ownerOf({ uid, gid }: { uid: number; gid: number }): void {
    this.owners++;
    const owner = `${uid}:${gid}`;
    if (this.of.length < OWNERS_NAMED && !this.of.includes(owner)) this.of.push(owner);
  }

  /** As all that root cannot keep, it counts for him alone. */
  copied(
    { path }: { path: string },
    { of, ownership }: { of: string; ownership: Ownership },
  ): void {
    this.problems.push({
      path: displayPath(path),
      code: HARD_LINK,
      detail: `is a copy of ${displayPath(of)} now, not another name of it: the target gave no hard link`,
      tolerated: ownership.to !== 'anybody',
    });
  }

  add({ owners, of, problems }: Unkept): void {
    this.owners += owners;
    for (const one of of)
      if (this.of.length < OWNERS_NAMED && !this.of.includes(one)) this.of.push(one);
    for (const one of problems) this.problems.push(one);
  }

  /** A plain value, for other threads. */
  value(): Unkept {
    return { owners: this.owners, of: this.of, problems: this.problems };
  }
}

/** The problem that an entry has other permission bits than recorded. */
export function bitsProblem(path: string, expected: number, found: number, why: string): Problem {
  const detail = `has mode ${octal(found)} instead of ${octal(expected)}: ${why}`;
  return { path: displayPath(path), code: 'mode', detail };
}

export const WITHOUT_OWNER =
  'set-id bits are given only with the owner or group that they stand for';

/** Permission bits as four octal digits. */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
