// The names of owners: which names the numbers in a tree have on the machine that is backed up, and which numbers those names have on
// the one that restores. An archive holds numbers alone, so that its bytes depend on the tree and not on the machine.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import process from 'node:process';
import { promisify } from 'node:util';
import type { Ownership, Unkept } from '../../archive/read/ownership.ts';
import type { SourceEntry } from '../../archive/write/plan.ts';
import type { Manifest } from '../../format/manifest.ts';
import { MAX_OWNER_NAMES } from '../../format/manifest.ts';
import type { Owners } from '../source.ts';

export type OwnerNames = NonNullable<Manifest['owners']>;

/** The numbers of the owners of entries, gathered while they pass. */
export class OwnersSeen {
  private readonly users = new Set<number>();
  private readonly groups = new Set<number>();

  *watch(entries: Iterable<SourceEntry>): Generator<SourceEntry> {
    for (const entry of entries) {
      this.users.add(entry.uid);
      this.groups.add(entry.gid);
      yield entry;
    }
  }

  /** The names that they have here; undefined where none has one. Root is 0 everywhere and needs none. */
  async names(): Promise<OwnerNames | undefined> {
    const [users, groups] = await Promise.all([
      namesOf('passwd', this.users),
      namesOf('group', this.groups),
    ]);
    const any = Object.keys(users).length + Object.keys(groups).length > 0;
    return any ? { users, groups } : undefined;
  }
}

async function namesOf(
  database: Database,
  numbers: ReadonlySet<number>,
): Promise<Record<string, string>> {
  const wanted = [...numbers].filter((one) => one !== 0).sort((a, b) => a - b);
  const asked = wanted.slice(0, MAX_OWNER_NAMES).map(String);
  const names: Record<string, string> = {};
  const found = await lookUp(database, asked, ({ number }) => number);
  for (const [number, { name }] of found) names[number] = name;
  return names;
}

/** How what is restored here is given to its owners, by the names that the backup tells and the user that runs this. */
export async function ownershipOf(
  owners: Owners,
  names: OwnerNames | undefined,
): Promise<Ownership> {
  if (owners === 'aside') return { users: {}, groups: {}, to: 'nobody' };
  const uid = process.geteuid?.();
  const to =
    owners === 'all' || uid === 0 || uid === undefined
      ? 'anybody'
      : {
          uid,
          groups: [...new Set([process.getegid?.() ?? -1, ...(process.getgroups?.() ?? [])])],
        };
  const [users, groups] = await Promise.all([
    numbersOf('passwd', names?.users ?? {}),
    numbersOf('group', names?.groups ?? {}),
  ]);
  return { users, groups, to };
}

/** With owners named as they are in the backup. */
export function withNames(unkept: Unkept, names: OwnerNames | undefined): Unkept {
  const of = unkept.of.map((one) => {
    const [uid = '', gid = ''] = one.split(':');
    return `${nameOf(uid, names?.users)}:${nameOf(gid, names?.groups)}`;
  });
  return { owners: unkept.owners, of, problems: unkept.problems };
}

function nameOf(number: string, names: Readonly<Record<string, string>> | undefined): string {
  return number === '0' ? 'root' : (names?.[number] ?? number);
}

/** By recorded number, the number of the same name here, where it is another. */
async function numbersOf(
  database: Database,
  names: Readonly<Record<string, string>>,
): Promise<Record<number, number>> {
  const found = await lookUp(database, [...new Set(Object.values(names))], ({ name }) => name);
  const numbers: Record<number, number> = {};
  for (const [recorded, name] of Object.entries(names)) {
    const here = found.get(name)?.number;
    if (here !== undefined && here !== recorded) numbers[Number(recorded)] = Number(here);
  }
  return numbers;
}

type Database = 'passwd' | 'group';

interface Account {
  readonly name: string;
  readonly number: string;
}

/** Accounts by what `keyOf` says of them: from the machine's own file first, and then from wherever else the system keeps them. */
async function lookUp(
  database: Database,
  keys: readonly string[],
  keyOf: (account: Account) => string,
): Promise<Map<string, Account>> {
  const found = new Map<string, Account>();
  if (keys.length === 0) return found;
  const wanted = new Set(keys);
  const take = (text: string) => {
    for (const account of accountsIn(text)) {
      const key = keyOf(account);
      // The first of several lines counts, as for the system.
      if (wanted.has(key) && !found.has(key)) found.set(key, account);
    }
  };
  take(textOf(`/etc/${database}`));
  const missing = keys.filter((key) => !found.has(key));
  if (missing.length > 0) take(await ask(database, missing));
  return found;
}

function accountsIn(text: string): Account[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , number = ''] = line.split(':');
    return name === '' || !/^\d{1,10}$/.test(number) ? [] : [{ name, number }];
  });
}

function textOf(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    // A system without that file, or that hides it, has numbers alone.
    if ((error as NodeJS.ErrnoException).code !== undefined) return '';
    throw error;
  }
}

const run = promisify(execFile);
const ASK_TIMEOUT_MS = 10_000;

/** What the system knows from elsewhere, such as a directory service; nothing where there is no `getent`, or it has no answer. */
async function ask(database: Database, keys: readonly string[]): Promise<string> {
  try {
    const options = { timeout: ASK_TIMEOUT_MS, encoding: 'utf8' } as const;
    return (await run('getent', ['--', database, ...keys], options)).stdout;
  } catch (error) {
    // It ends with 2 when it does not know one of them, and tells the others.
    const { stdout, code } = error as { stdout?: string; code?: unknown };
    if (code === undefined && stdout === undefined) throw error;
    return stdout ?? '';
  }
}
