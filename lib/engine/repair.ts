// Repairing a backup: what is damaged in it is taken from other backups that hold the same digest, and written as a new backup.
import fs from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../errors.ts';
import { backupId, triggerOf, type Trigger } from '../format/ids.ts';
import { manifestKey } from '../format/layout.ts';
import { PARTS_FEATURE } from '../format/parts.ts';
import type { Manifest } from '../format/manifest.ts';
import { removeTree } from '../sources/tree/remove-tree.ts';
import type { OpenBackup, Source } from '../sources/source.ts';
import type { StoredObject } from '../stores/store.ts';
import { backupSource } from './backup.ts';
import {
  isUnreadable,
  listStored,
  newestBackups,
  openBackup,
  readManifest,
  withArtifacts,
  type ReadBackup,
} from './catalog/backups.ts';
import { kindOf, signerOf, workOf, type Engine } from './engine.ts';
import { isKnownDamaged, type Predecessor } from './catalog/predecessor.ts';
import { writeRecord } from './catalog/records.ts';
import { verifyArtifacts } from './verify.ts';

export interface Healed {
  readonly path: string;
  /** The backup that the content was taken from, as `source/id`. */
  readonly from: string;
}

export interface RepairResult {
  readonly source: string;
  /** The backup that was damaged; it stays as it is. */
  readonly id: string;
  /** The id of the new backup; undefined when nothing was damaged. */
  readonly repaired: string | undefined;
  /** Whether an earlier repair had made it: then nothing was healed now, and what is lost is what it lacks. */
  readonly already: boolean;
  readonly healed: readonly Healed[];
  /** What no other backup holds: the new backup lacks it, and says so. */
  readonly lost: readonly string[];
  readonly record: string | undefined;
}

/** From which backups the content may come: those of the same source, or all in the store. */
export type Donors = 'own' | 'all';

/**
 * Writes a new backup with everything of a damaged one that is whole, and what other backups hold of the rest.
 *
 * The new backup stands at the time of the damaged one, as `…-repair`; one that stands there already and lacks no more is it. `BACKUP_DAMAGED` when the index itself is damaged: then
 * nothing tells what the backup held.
 */
export async function repairBackup(
  engine: Engine,
  { source, id }: { source: string; id: string },
  from: Donors = 'all',
): Promise<RepairResult> {
  const begin = engine.now();
  signerOf(engine);
  const backup = await openBackup(engine, source, id);
  const kind = await kindOf(engine, backup.manifest.kind);
  if (kind.repair === undefined) {
    throw new HoldfastError('USAGE', `backups of kind "${kind.kind}" cannot be repaired`);
  }
  const scratch = path.join(engine.scratch, `holdfast-repair-${engine.random()}`);
  await fs.mkdir(scratch, { recursive: true, mode: 0o700 });
  try {
    const donors = donorsOf(engine, { source, id }, from);
    const mended = await kind.repair(backup, donors, { ...workOf(engine), scratch });
    if (mended.healed.length + mended.lost.length === 0) {
      const nothing = { repaired: undefined, already: false, healed: [], lost: [] };
      return { source, id, ...nothing, record: undefined };
    }
    const { made, already } = await commit(engine, {
      backup,
      mended: { name: source, kind, read: mended.read },
      healed: mended.healed,
      lost: mended.lost,
    });
    const repaired = made.id;
    const lost = lostIn(made);
    const healed = already ? [] : mended.healed;
    const record = await writeRecord(engine, {
      verb: 'repair',
      source,
      subject: id,
      begin,
      verdict: lost.length > 0 ? 'partial' : 'done',
      problems: lost.map((one) => ({
        path: one,
        code: 'lost',
        detail: 'no other backup holds it',
      })),
      facts: { repaired, healed: healed.slice(0, 1000).map((one) => ({ ...one })) },
    });
    return { source, id, repaired, already, healed, lost, record };
  } finally {
    removeTree(scratch);
  }
}

/** Every other trusted backup in the store or of the same source, newest first, those of the same source before others. */
async function* donorsOf(
  engine: Engine,
  { source, id }: { source: string; id: string },
  from: Donors,
): AsyncGenerator<OpenBackup> {
  const listed = await listStored(engine, from === 'own' ? source : undefined);
  const stored = listed.filter((one) => one.source !== source || one.id !== id);
  const own = stored.filter((one) => one.source === source);
  const others = stored.filter((one) => one.source !== source);
  for (const backups of [own, others]) {
    for await (const { read } of newestBackups(engine, backups)) {
      // A donor that cannot be read gives nothing; others may.
      if (read === undefined) continue;
      if (read.distrust === undefined || engine.trustAnyone) yield withArtifacts(engine, read);
    }
  }
}

interface Mending {
  readonly backup: OpenBackup & ReadBackup;
  readonly mended: Source;
  readonly healed: readonly Healed[];
  readonly lost: readonly string[];
}

async function commit(
  engine: Engine,
  { backup, mended, healed, lost }: Mending,
): Promise<{ made: Manifest; already: boolean }> {
  const { manifest } = backup;
  const trigger = await triggerFor(engine, manifest, lost.length);
  const from = [nameOf(manifest), ...new Set(healed.map((one) => one.from))];
  const made = await backupSource(engine, mended, {
    trigger,
    full: true,
    instead: {
      // What it holds is as old as what it was made from.
      begin: new Date(manifest.begin),
      origin: { reason: 'repair', from: from.slice(0, 1000) },
      git: manifest.git,
      package: manifest.package,
      from: await wholeParts(engine, backup),
    },
  });
  return { made: made.manifest, already: made.outcome === 'already' };
}

/**
 * The parts of a damaged backup that are whole, read anew to what they hold: the repair shares them. Undefined where it has one archive,
 * where the store cannot tell files apart, and where more is wrong than single files.
 */
async function wholeParts(
  engine: Engine,
  backup: OpenBackup & ReadBackup,
): Promise<Predecessor | undefined> {
  if (engine.store.identify === undefined || !backup.manifest.requires.includes(PARTS_FEATURE))
    return undefined;
  const { read, isOfFiles } = await verifyArtifacts(engine, backup.manifest, 'content');
  if (!isOfFiles) return undefined;
  const leveled = read.map((one) => ({ ...one, level: 'content' as const }));
  const lost = leveled.filter(({ whole }) => !whole);
  return { ...backup, read: leveled.filter(({ whole }) => whole), lost, together: [] };
}

function lostIn({ problems }: Manifest): string[] {
  return problems.filter(({ code }) => code === 'lost').map(({ path: at }) => at);
}

function nameOf({ source, id }: Manifest): string {
  return `${source}/${id}`;
}

/**
 * The time of the damaged backup, or one of the next milliseconds, such that its id comes after that of the damaged one: both begin at
 * the same time, and the repair must be the newer. Repeated, and interrupted before it could say that it is done, a repair finds its
 * backup there already.
 */
async function triggerFor(engine: Engine, manifest: Manifest, lost: number): Promise<Trigger> {
  let { at } = triggerOf(manifest.id);
  for (;;) {
    const trigger: Trigger = { kind: 'repair', at };
    const object = await engine.store.head(manifestKey(manifest.source, backupId(trigger)));
    const isFit =
      object === undefined
        ? backupId(trigger) > manifest.id
        : await serves(engine, object, { manifest, lost });
    if (isFit) return trigger;
    at = new Date(at.getTime() + 1);
  }
}

/** Whether `object` is the manifest of a repair of this backup that lost no more. */
async function serves(
  engine: Engine,
  object: StoredObject,
  { manifest, lost }: { manifest: Manifest; lost: number },
): Promise<boolean> {
  try {
    const { manifest: made, distrust } = await readManifest(engine, object);
    if (distrust !== undefined || made.origin?.from[0] !== nameOf(manifest)) return false;
    return lostIn(made).length <= lost && !(await isKnownDamaged(engine, made.source, made.id));
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return false;
  }
}
