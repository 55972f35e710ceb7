// Repairing a backup: what is damaged in it is taken from other backups that hold the same digest, and written as a new backup.
import fs from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../errors.ts';
import { backupId, triggerOf, type Trigger } from '../format/ids.ts';
import { manifestKey } from '../format/layout.ts';
import type { Manifest } from '../format/manifest.ts';
import type { OpenBackup, Source } from '../sources/source.ts';
import { backupSource } from './backup.ts';
import { listStored, openBackup, readManifest, withArtifacts } from './catalog.ts';
import { kindOf, signerOf, workOf, type Engine } from './engine.ts';
import { writeRecord } from './records.ts';

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
  readonly healed: readonly Healed[];
  /** What no other backup holds: the new backup lacks it, and says so. */
  readonly lost: readonly string[];
  readonly record: string | undefined;
}

/**
 * Writes a new backup with everything of a damaged one that is whole, and what other backups hold of the rest.
 *
 * The new backup stands at the time of the damaged one, as `…-repair`. `BACKUP_DAMAGED` when the index itself is damaged: then
 * nothing tells what the backup held.
 */
export async function repairBackup(
  engine: Engine,
  { source, id }: { source: string; id: string },
): Promise<RepairResult> {
  const begin = engine.now();
  signerOf(engine);
  const backup = await openBackup(engine, source, id);
  const kind = kindOf(engine, backup.manifest.kind);
  if (kind.repair === undefined) {
    throw new HoldfastError('USAGE', `backups of kind "${kind.kind}" cannot be repaired`);
  }
  const scratch = path.join(engine.scratch, `holdfast-repair-${engine.random()}`);
  await fs.mkdir(scratch, { recursive: true, mode: 0o700 });
  try {
    const donors = donorsOf(engine, source, id);
    const mended = await kind.repair(backup, donors, { ...workOf(engine), scratch });
    const { healed, lost } = mended;
    if (healed.length + lost.length === 0) {
      return { source, id, repaired: undefined, healed: [], lost: [], record: undefined };
    }
    const repaired = await commit(engine, {
      backup,
      mended: { name: source, kind, read: mended.read },
      healed,
    });
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
    return { source, id, repaired, healed, lost, record };
  } finally {
    await fs.rm(scratch, { recursive: true, force: true });
  }
}

/** Every other trusted backup in the store, newest first, those of the same source before others. */
async function* donorsOf(engine: Engine, source: string, id: string): AsyncGenerator<OpenBackup> {
  const stored = (await listStored(engine)).filter((one) => one.source !== source || one.id !== id);
  stored.sort(
    (a, b) => Number(b.source === source) - Number(a.source === source) || (a.id < b.id ? 1 : -1),
  );
  for (const { manifest } of stored) {
    if (manifest === undefined) continue;
    try {
      const read = await readManifest(engine, manifest);
      if (read.distrust === undefined || engine.trustAnyone) yield withArtifacts(engine, read);
    } catch (error) {
      // A donor that cannot be read gives nothing; others may.
      if (!(error instanceof HoldfastError)) throw error;
    }
  }
}

async function commit(
  engine: Engine,
  { backup, mended, healed }: { backup: OpenBackup; mended: Source; healed: readonly Healed[] },
): Promise<string> {
  const { manifest } = backup;
  const trigger = await freeTrigger(engine, manifest);
  const from = [`${manifest.source}/${manifest.id}`, ...new Set(healed.map((one) => one.from))];
  const made = await backupSource(engine, mended, {
    trigger,
    full: true,
    instead: {
      // What it holds is as old as what it was made from.
      begin: new Date(manifest.begin),
      origin: { reason: 'repair', from: from.slice(0, 1000) },
      git: manifest.git,
      package: manifest.package,
    },
  });
  return made.id;
}

/** The time of the damaged backup, or the next millisecond at which no repair stands yet. */
async function freeTrigger(engine: Engine, { source, id }: Manifest): Promise<Trigger> {
  let at = triggerOf(id).at;
  for (;;) {
    const trigger: Trigger = { kind: 'repair', at };
    if ((await engine.store.head(manifestKey(source, backupId(trigger)))) === undefined)
      return trigger;
    at = new Date(at.getTime() + 1);
  }
}
