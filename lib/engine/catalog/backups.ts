// Which backups a store holds. Computed from its keys and signed manifests each time: the store is the only state.
import { createHash } from 'node:crypto';
import { HoldfastError } from '../../errors.ts';
import { isSafety, parseBackupId } from '../../format/ids.ts';
import { BACKUPS_PREFIX, manifestKey, parseBackupKey, sourcePrefix } from '../../format/layout.ts';
import { parseManifest, type Manifest } from '../../format/manifest.ts';
import { decodeSigned, MAX_SIGNED_BYTES, signerText } from '../../format/signed.ts';
import { effectiveTime, newestOf, oldestFirst, type Dated } from '../../policy/order.ts';
import type { OpenBackup } from '../../sources/source.ts';
import type { StoredObject } from '../../stores/store.ts';
import { latestTime } from './clock.ts';
import type { Engine } from '../engine.ts';

/** The keys of one backup, or of a run that never became one. */
export interface StoredBackup {
  readonly source: string;
  readonly id: string;
  /** Undefined for artifacts that no manifest names. */
  readonly manifest: StoredObject | undefined;
  readonly artifacts: readonly StoredObject[];
}

/** When an artifact was stored as that of its backup: what is shared with another is older than its key. */
export function keyedAt({ keyedAt: at, storedAt }: StoredObject): Date {
  return at ?? storedAt;
}

/** A backup whose manifest was read. */
export interface ReadBackup {
  readonly manifest: Manifest;
  /** By the store's clock. */
  readonly storedAt: Date;
  /** Undefined when a trusted key vouches for it. */
  readonly distrust: string | undefined;
  /** SHA-256 of the manifest's bytes, in hex. */
  readonly digest: string;
  /** The key that signed it: its name and its fingerprint, or the fingerprint alone of one that is not trusted. */
  readonly signedBy: string;
}

/** Everything under `backups/`, of one source or of all, by their ids within a source. */
export async function listStored(engine: Engine, source?: string): Promise<StoredBackup[]> {
  const prefix = source === undefined ? BACKUPS_PREFIX : sourcePrefix(source);
  const found = new Map<
    string,
    { source: string; id: string; manifest?: StoredObject; artifacts: StoredObject[] }
  >();
  for await (const object of engine.store.list(prefix)) {
    const place = parseBackupKey(object.key);
    if (place === undefined) continue;
    const name = `${place.source}/${place.id}`;
    const backup = found.get(name) ?? { source: place.source, id: place.id, artifacts: [] };
    found.set(name, backup);
    if (place.file === 'manifest.json') backup.manifest = object;
    else backup.artifacts.push(object);
  }
  return [...found.values()].map((one) => ({ ...one, manifest: one.manifest }));
}

/** How many small files are read at once: to each, a bucket takes tens of milliseconds to answer. */
export const READ_AT_ONCE = 16;

/** The small signed file under `key`, at most as large as any signed file may be. */
export async function readSmall(engine: Engine, object: StoredObject): Promise<Uint8Array> {
  if (object.bytes > MAX_SIGNED_BYTES) {
    throw new HoldfastError(
      'BACKUP_DAMAGED',
      `${object.key} has ${object.bytes} bytes, allowed are ${MAX_SIGNED_BYTES}`,
    );
  }
  return engine.store.read(object.key, 0, object.bytes);
}

/**
 * Whether `error` says that what is stored cannot be understood, or is gone. Not when the store could not be asked: whoever goes on
 * then would take a backup for unpinned, or for whole, because nobody could tell.
 */
export function isUnreadable(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && UNREADABLE.includes(error.code);
}

const UNREADABLE: readonly string[] = ['BACKUP_DAMAGED', 'BACKUP_NOT_FOUND', 'FORMAT_UNSUPPORTED'];

/** Reads a manifest and looks at its signature; what no trusted key vouches for is returned with the reason. */
export async function readManifest(engine: Engine, object: StoredObject): Promise<ReadBackup> {
  const bytes = await readSmall(engine, object);
  const { payload, distrust, keyId } = decodeSigned(bytes, object.key, engine.trusted);
  const manifest = parseManifest(payload, object.key);
  const foreign =
    engine.system !== undefined && manifest.system !== engine.system
      ? `it is a backup of the system "${manifest.system}", not of "${engine.system}"`
      : undefined;
  const misplaced = misplacedArtifact(manifest);
  return {
    manifest,
    storedAt: object.storedAt,
    distrust: distrust ?? foreign ?? misplaced,
    digest: createHash('sha256').update(bytes).digest('hex'),
    signedBy: signerText(keyId, engine.trusted),
  };
}

/** A manifest speaks only for the artifacts of its own backup, and for the place where it stands. */
function misplacedArtifact(manifest: Manifest): string | undefined {
  const { source, id, key, artifacts } = manifest;
  if (manifestKey(source, id) !== key) return `it calls itself ${source}/${id}`;
  const folder = key.slice(0, key.lastIndexOf('/') + 1);
  const foreign = artifacts.find((artifact) => !artifact.key.startsWith(folder));
  return foreign && `it names ${foreign.key}, which is not of this backup`;
}

/** A backup to work with. `UNTRUSTED` when no trusted key vouches for it, unless the user said to go on all the same. */
export async function openBackup(
  engine: Engine,
  source: string,
  id: string,
): Promise<OpenBackup & ReadBackup> {
  const object = await engine.store.head(manifestKey(source, id));
  if (object === undefined) {
    throw new HoldfastError('BACKUP_NOT_FOUND', `the store holds no backup ${source}/${id}`, {
      hint: '`holdfast list` shows what it holds.',
    });
  }
  const read = await readManifest(engine, object);
  if (read.distrust !== undefined && !engine.trustAnyone) {
    throw new HoldfastError(
      'UNTRUSTED',
      `the backup ${source}/${id} cannot be trusted: ${read.distrust}`,
      {
        hint: 'If you know where it comes from, add its key under `trust` in holdfast.yaml, or pass --trust-anyone once.',
      },
    );
  }
  return withArtifacts(engine, read);
}

/** Access to the artifacts of a backup. */
export function withArtifacts<B extends { manifest: Manifest }>(
  engine: Engine,
  backup: B,
): B & OpenBackup {
  return {
    ...backup,
    open: ({ key, bytes }) => ({
      bytes,
      read: (offset, length) => engine.store.read(key, offset, length),
    }),
  };
}

/**
 * The backup that a user means: `latest`, `site`, `site/latest`, `site/20261121T020000000Z-schedule`, an id alone, or the
 * beginning of an id. `BACKUP_NOT_FOUND` when no backup or several match.
 */
export async function resolveBackup(
  engine: Engine,
  name: string,
): Promise<{ source: string; id: string }> {
  const slash = name.indexOf('/');
  const all = (await listStored(engine)).filter(({ manifest }) => manifest !== undefined);
  const sources = new Set(all.map(({ source }) => source));
  const source = slash > 0 ? name.slice(0, slash) : sources.has(name) ? name : undefined;
  const wanted = slash > 0 ? name.slice(slash + 1) : sources.has(name) ? 'latest' : name;
  const candidates = all.filter((one) => source === undefined || one.source === source);
  if (wanted === 'latest') return newest(engine, candidates, { name, sources });
  const matches = candidates.filter(({ id }) => id.startsWith(wanted) && wanted !== '');
  const [match, second] = matches;
  if (match !== undefined && second === undefined) return match;
  const exact = matches.filter(({ id }) => id === wanted);
  if (exact.length === 1 && exact[0] !== undefined) return exact[0];
  const several = matches.slice(0, 3).map((one) => `${one.source}/${one.id}`);
  throw new HoldfastError(
    'BACKUP_NOT_FOUND',
    match === undefined
      ? `the store holds no backup "${name}"`
      : `"${name}" may be any of ${several.join(', ')}`,
    { hint: match === undefined ? '`holdfast list` shows what it holds.' : 'Give more of the id.' },
  );
}

/**
 * The backups that are named; without a name the newest of each source, or with `all` every one. `BACKUP_NOT_FOUND` when there is none.
 */
export async function chooseBackups(
  engine: Engine,
  names: readonly string[],
  all = false,
): Promise<{ source: string; id: string }[]> {
  if (names.length > 0) return Promise.all(names.map((name) => resolveBackup(engine, name)));
  const stored = (await listStored(engine)).filter(({ manifest }) => manifest !== undefined);
  const chosen: StoredBackup[] = [];
  for (const own of Map.groupBy(stored, ({ source }) => source).values()) {
    if (all) chosen.push(...(await inOrder(engine, own)));
    else chosen.push(...[await newestRun(engine, own)].filter((one) => one !== undefined));
  }
  if (chosen.length === 0) {
    throw new HoldfastError('BACKUP_NOT_FOUND', `the store ${engine.store.url} holds no backup`, {
      hint: 'Make one with `holdfast backup`.',
    });
  }
  return chosen;
}

async function newest(
  engine: Engine,
  candidates: readonly StoredBackup[],
  { name, sources }: { name: string; sources: ReadonlySet<string> },
): Promise<StoredBackup> {
  const among = new Set(candidates.map(({ source }) => source));
  if (among.size > 1) {
    throw new HoldfastError(
      'BACKUP_NOT_FOUND',
      `"${name}" may be of any of ${[...sources].join(', ')}`,
      {
        hint: `Name the source: ${[...sources][0] ?? ''}/latest.`,
      },
    );
  }
  const last = await newestRun(engine, candidates);
  if (last !== undefined) return last;
  const future = candidates.length > 0 ? ', but for some from the future' : '';
  throw new HoldfastError('BACKUP_NOT_FOUND', `the store holds no backup for "${name}"${future}`, {
    hint:
      future === ''
        ? 'Make one with `holdfast backup`.'
        : "Set this machine's time, or give the id: `holdfast list` shows them.",
  });
}

/**
 * The newest of the backups of one source. What restores have replaced is the newest only where there is nothing else; an id from the future
 * never is, or one forged id would hide all that follow.
 */
export async function newestRun(
  engine: Engine,
  backups: readonly StoredBackup[],
): Promise<StoredBackup | undefined> {
  const latest = latestTime(engine);
  const past = backups.filter(({ id }) => timeOf(id) <= latest);
  const runs = past.filter(({ id }) => !isSafety(id));
  for await (const { stored } of newestBackups(engine, runs.length > 0 ? runs : past))
    return stored;
  return undefined;
}

/** The backups of one source, oldest first. */
async function inOrder(engine: Engine, backups: readonly StoredBackup[]): Promise<StoredBackup[]> {
  const dated: DatedBackup[] = [];
  for await (const one of newestBackups(engine, backups)) dated.push(one);
  return dated.sort(oldestFirst).map(({ stored }) => stored);
}

/** A backup that was listed, with the times that say which one is newer. */
export interface DatedBackup extends Dated {
  readonly stored: StoredBackup;
  /** Undefined when the manifest cannot be read; then the time of its id stands for the begin. */
  readonly read: ReadBackup | undefined;
}

/**
 * The backups that have a manifest, newest first.
 *
 * No backup is newer than the time when it was stored, which the listing tells: so to know the newest, as a rule one manifest is
 * read, and not all that there are. Those from the future are among them.
 */
export async function* newestBackups(
  engine: Engine,
  backups: readonly StoredBackup[],
): AsyncGenerator<DatedBackup> {
  const unread = backups
    .flatMap(({ manifest, ...one }) => (manifest === undefined ? [] : [{ ...one, manifest }]))
    .sort((a, b) => a.manifest.storedAt.getTime() - b.manifest.storedAt.getTime());
  const read = new Set<DatedBackup>();
  // As a rule, one suffices.
  for (let atOnce = 1; ;) {
    const best = newestOf([...read]);
    const next = unread.at(-1)?.manifest.storedAt;
    if (best !== undefined && (next === undefined || effectiveTime(best) > next)) {
      read.delete(best);
      yield best;
    } else if (next === undefined) {
      return;
    } else {
      const batch = unread.splice(-atOnce);
      for (const one of await Promise.all(batch.map((each) => dated(engine, each)))) read.add(one);
      atOnce = READ_AT_ONCE;
    }
  }
}

async function dated(
  engine: Engine,
  stored: StoredBackup & { readonly manifest: StoredObject },
): Promise<DatedBackup> {
  const { id, manifest } = stored;
  const { storedAt } = manifest;
  try {
    const read = await readManifest(engine, manifest);
    return { stored, read, id, storedAt, begin: new Date(read.manifest.begin) };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { stored, read: undefined, id, storedAt, begin: timeOf(id) };
  }
}

/** The time for which a backup was triggered. */
export function timeOf(id: string): Date {
  return parseBackupId(id)?.at ?? new Date(0);
}

/** True for an error that tells of one file in the store, and nothing of the store itself: the others can still be read. */
export function isAboutOneFile({ code }: HoldfastError): boolean {
  return code === 'BACKUP_DAMAGED' || code === 'BACKUP_NOT_FOUND' || code === 'FORMAT_UNSUPPORTED';
}
