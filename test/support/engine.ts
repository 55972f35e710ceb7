// Engines for tests: any store, a clock that only the test moves, names that come in order, and keys made once.
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Pool } from '../../lib/archive/threads/pool.ts';
import type { Parting } from '../../lib/archive/write/part-plan.ts';
import { backupSource, type BackupOptions, type BackupResult } from '../../lib/engine/backup.ts';
import { listStored, type StoredBackup } from '../../lib/engine/catalog/backups.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import {
  restoreBackup,
  type RestoreOptions,
  type RestoreReport,
} from '../../lib/engine/restore/to-folder.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import type { TriggerKind } from '../../lib/format/ids.ts';
import { localSigner, trustedKey, type TrustedKey } from '../../lib/format/signed.ts';
import { DEFAULT_RETENTION } from '../../lib/policy/retention-policy.ts';
import { filesKind } from '../../lib/sources/files/kind.ts';
import { filesSource, type FilesOptions } from '../../lib/sources/files/source.ts';
import type { LiveSource, Source } from '../../lib/sources/source.ts';
import type { Store } from '../../lib/stores/store.ts';
import { MemoryStore } from './memory-store.ts';

export const SYSTEM = 'example';
export const DAY_MS = 24 * 3_600_000;

/** Long after the files of a test were written, so that files which did not change are recognised as such. */
export const EPOCH = new Date('2040-01-02T03:00:00.000Z');

/** A clock that stands still but for a millisecond each time it is looked at. */
export class Clock {
  ms: number;

  constructor(time: Date = EPOCH) {
    this.ms = time.getTime();
  }

  now(): Date {
    return new Date(this.ms++);
  }

  advance(ms: number): void {
    this.ms += ms;
  }
}

/** A store in memory that goes by `clock`. */
export class ClockedStore extends MemoryStore {
  readonly clock: Clock;

  constructor(clock: Clock) {
    super();
    this.clock = clock;
  }

  override now(): Promise<Date> {
    return Promise.resolve(new Date(this.clock.ms));
  }

  /** Another store with the same objects, which can be changed without changing these. */
  copy(clock: Clock = this.clock): ClockedStore {
    const copy = new ClockedStore(clock);
    for (const [key, { bytes, storedAt }] of this.objects) {
      copy.objects.set(key, { bytes: bytes.slice(), storedAt });
    }
    return copy;
  }
}

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function makeKeys(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

/** The pair as a trusted key, for everything unless `prefixes` say otherwise. */
export function trust(
  { privateKey }: Pick<KeyPair, 'privateKey'>,
  prefixes: readonly string[] = ['backups/', 'records/'],
): TrustedKey {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return trustedKey('test', spki.toString('base64'), prefixes);
}

const KEYS = makeKeys();
let names = 0;

/** An engine on `store` that signs with the key of all engines here, and trusts it, unless `changes` say otherwise. */
export function engineOn(store: Store, clock: Clock, changes: Partial<Engine> = {}): Engine {
  return {
    system: SYSTEM,
    store,
    kinds: new Map([[filesKind.kind, () => filesKind]]),
    signer: localSigner(KEYS.privateKey),
    trusted: [trust(KEYS)],
    trustAnyone: false,
    who: 'test@example',
    pool: new Pool({ workers: 0 }),
    signal: undefined,
    onProgress: undefined,
    scratch: '/nonexistent',
    versions: { holdfast: 'test' },
    now: () => clock.now(),
    random: () => (names++).toString(16).padStart(16, '0'),
    ...changes,
  };
}

/** The folder as the source `site`, everything in it included. */
export function folderSource(
  folder: string,
  changes: Partial<FilesOptions> = {},
  parting?: Parting,
): LiveSource {
  return filesSource(
    {
      name: 'site',
      path: folder,
      include: [],
      exclude: [],
      gitignore: false,
      secrets: 'include',
      oneFileSystem: false,
      tolerate: [],
      allowEmpty: false,
      times: 'recorded',
      compression: 'default',
      ...changes,
    },
    { leaveOut: [], git: { environment: process.env }, ...(parting && { parting }) },
  );
}

/** Backs up for a trigger at the engine's time, or at `at`. */
export function backUpNow(
  engine: Engine,
  source: Source,
  { at, kind = 'manual', full = false }: { at?: Date; kind?: TriggerKind; full?: boolean } = {},
): Promise<BackupResult> {
  const options: BackupOptions = { trigger: { kind, at: at ?? engine.now() }, full };
  return backupSource(engine, source, options);
}

/** Backs up and proves, as the command line does. */
export async function makeGood(
  engine: Engine,
  source: Source,
  trigger: { kind?: TriggerKind } = {},
): Promise<BackupResult> {
  const made = await backUpNow(engine, source, trigger);
  const { verdict, problems } = await verifyBackup(engine, made, 'digest');
  if (verdict !== 'proven') throw new Error(`not proven: ${JSON.stringify(problems)}`);
  return made;
}

/** Restores everything to the new folder `to` and reads it back. */
export function restoreTo(
  engine: Engine,
  backup: { source: string; id: string },
  to: string,
  changes: Partial<RestoreOptions> = {},
): Promise<RestoreReport> {
  return restoreBackup(engine, backup, {
    paths: [],
    to,
    owners: 'aside',
    verify: true,
    skipDamaged: false,
    commands: [],
    environment: process.env,
    ...changes,
  });
}

/** What prunes of tests go by: the default policy, and a backup each day. */
export const DAILY = { policy: DEFAULT_RETENTION, intervalMs: DAY_MS, dryRun: false } as const;

/** The backups that a listing shows: those with a manifest. */
export async function listed(store: Store): Promise<StoredBackup[]> {
  const engine = engineOn(store, new Clock());
  return (await listStored(engine)).filter(({ manifest }) => manifest !== undefined);
}

/**
 * What is wrong with the backups that a listing shows, read to the last byte; writes nothing. Those whose manifests `known` names
 * are passed over: the caller has found all their bytes to be what they were.
 */
export async function unsound(
  store: Store,
  known: ReadonlyMap<string, unknown> = new Map(),
  { trusted }: Partial<Pick<Engine, 'trusted'>> = {},
): Promise<string[]> {
  const engine = engineOn(store, new Clock(), { signer: undefined, ...(trusted && { trusted }) });
  const faults: string[] = [];
  for (const { source, id, manifest } of await listed(store)) {
    if (known.has(manifest?.key ?? '')) continue;
    const { verdict, problems } = await verifyBackup(engine, { source, id }, 'content');
    if (verdict !== 'proven') {
      faults.push(`${source}/${id} is ${verdict}: ${JSON.stringify(problems)}`);
    }
  }
  return faults;
}

/** The digest of the bytes under each key that begins with `prefix`. */
export async function contents(store: Store, prefix = ''): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { key, bytes } of store.list(prefix)) {
    found.set(key, digestOf(await store.read(key, 0, bytes)));
  }
  return found;
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** The keys of `store` that begin with `prefix`. */
export async function keysOf(store: Store, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

/** A folder with its names, types, modes, times and bytes as text: equal texts are equal trees. */
export function treeOf(folder: string): string[] {
  const lines: string[] = [];
  const visit = (at: string) => {
    for (const name of fs.readdirSync(path.join(folder, at)).sort()) {
      const below = path.join(at, name);
      const stats = fs.lstatSync(path.join(folder, below), { bigint: true });
      const what = stats.isSymbolicLink()
        ? `-> ${fs.readlinkSync(path.join(folder, below))}`
        : stats.isFile()
          ? digestOf(fs.readFileSync(path.join(folder, below)))
          : '';
      const mode = stats.isSymbolicLink() ? '' : (stats.mode & 0o7777n).toString(8);
      lines.push(`${below} ${mode} ${stats.mtimeNs / 1000n} ${what}`);
      if (stats.isDirectory()) visit(below);
    }
  };
  visit('');
  return lines;
}

/** The code of the error that `work` fails with; fails itself when it does not. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const nothing = Symbol('nothing');
  const error: unknown = await work.then(
    () => nothing,
    (thrown: unknown) => thrown,
  );
  if (error === nothing) throw new Error('it was expected to fail');
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? code : String(message);
}
