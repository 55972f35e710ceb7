// Damages a copy of the store, and shows that the damage is found, named, kept from being restored, and repaired.
import fs from 'node:fs/promises';
import path from 'node:path';
import { openBackup } from '../lib/engine/catalog/backups.ts';
import type { Engine } from '../lib/engine/engine.ts';
import { repairBackup } from '../lib/engine/repair.ts';
import { restoreBackup } from '../lib/engine/restore/to-folder.ts';
import { verifyBackup, type VerifyResult } from '../lib/engine/verify.ts';
import { HoldfastError } from '../lib/errors.ts';
import type { IndexGroup } from '../lib/format/archive-index.ts';
import { artifactOf } from '../lib/format/manifest.ts';
import { displayPath } from '../lib/format/paths.ts';
import { counted, durationText } from '../lib/cli/output/units.ts';
import type { Backups } from './back-up.ts';
import { groupsOf } from './entries.ts';
import { openFolder, PLAIN_RESTORE, type Stage } from './stage.ts';
import { UnmetExpectation } from './story.ts';
import { expectProven } from './verify.ts';

export async function damageAndRepair(stage: Stage, backups: Backups): Promise<void> {
  const { story, work } = stage;
  story.section('Damage a copy, and repair it');
  const folder = path.join(work, 'damaged-store');
  await fs.cp(path.join(work, 'store'), folder, { recursive: true, preserveTimestamps: true });
  const engine = { ...stage.engine, store: await openFolder(folder) };
  const flips = await flipBytes(engine, backups, folder);
  story.tell(
    `in a copy of the store, flipped one bit in each of ${counted(flips.length, 'place')} of the second archive`,
  );
  const found = await findDamage({ ...stage, engine }, backups, flips);
  await refuseToRestore({ ...stage, engine }, backups);
  const begin = performance.now();
  const healed = await repair({ ...stage, engine }, backups, flips);
  const ms = performance.now() - begin;
  await forge({ ...stage, engine }, backups, folder);
  story.proven(
    'damage found and repaired',
    `${counted(flips.length, 'flipped bit')}: named in ${durationText(found.durationMs)}, ${counted(healed, 'file')} healed in ${durationText(ms)}`,
  );
}

/** Flips a bit in the middle of the first, the middle and the last member that holds a file; returns what these hold. */
async function flipBytes(
  engine: Engine,
  { first, second }: Backups,
  folder: string,
): Promise<IndexGroup[]> {
  // What changed between the two backups stands in one of them alone, and could not be healed.
  const twice = new Set(
    (await groupsOf(engine, first)).flatMap(({ entries }) => entries.map(({ sha256 }) => sha256)),
  );
  const groups = (await groupsOf(engine, second)).filter(
    ({ entries }) =>
      entries.some(({ type, size }) => type === 'file' && size > 0) &&
      entries.every(({ sha256 }) => sha256 === undefined || twice.has(sha256)),
  );
  if (groups.length === 0) {
    throw new UnmetExpectation(
      'too much of the folder changes all the time to damage something that both backups hold',
    );
  }
  const chosen = [groups[0], groups[groups.length >> 1], groups.at(-1)];
  const places = [...new Set(chosen)].filter((group) => group !== undefined);
  const archive = path.join(folder, artifactOf(second.manifest, 'archive').key);
  const handle = await fs.open(archive, 'r+');
  try {
    for (const { members } of places) {
      const member = members[members.length >> 1];
      if (member === undefined) throw new Error('a group without a member');
      const at = member.offset + (member.bytes >> 1);
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
      buffer.writeUInt8(buffer.readUInt8() ^ 1);
      await handle.write(buffer, 0, 1, at);
    }
  } finally {
    await handle.close();
  }
  return places;
}

async function findDamage(
  { engine, story }: Stage,
  { second }: Backups,
  flips: readonly IndexGroup[],
): Promise<VerifyResult> {
  const result = await verifyBackup(engine, second, 'digest');
  const named = new Set(result.problems.map(({ path: one }) => one));
  const touched = flips.flatMap(({ entries }) => entries.map((entry) => displayPath(entry.path)));
  const unnamed = touched.filter((one) => !named.has(one));
  const innocent = [...named].filter((one) => !touched.includes(one));
  story.expect(result.verdict === 'damaged', 'verify finds the backup damaged', result.verdict);
  story.expect(
    unnamed.length === 0,
    `it names ${touched.length === 1 ? 'the one entry' : `all ${touched.length} entries`} that the damage touches`,
    `${unnamed.length} unnamed, first ${unnamed[0] ?? ''}`,
  );
  story.expect(
    innocent.length === 0,
    `and none of the other ${counted(result.entries - touched.length, 'entry', 'entries')}`,
    `${innocent.length} named, first ${innocent[0] ?? ''}`,
  );
  for (const { path: one, detail } of result.problems.slice(0, 3)) story.tell(`${one}: ${detail}`);
  if (result.problems.length > 3) story.tell(`… ${result.problems.length} in all`);
  return result;
}

async function refuseToRestore({ engine, story, work }: Stage, { second }: Backups): Promise<void> {
  const to = path.join(work, 'never');
  const code = await codeOf(restoreBackup(engine, second, { ...PLAIN_RESTORE, to }));
  const left = (await fs.readdir(work)).filter((name) => name.includes('never'));
  story.expect(
    code === 'BACKUP_DAMAGED' && left.length === 0,
    'restore refuses it, and leaves nothing behind',
    `${code}, ${left.length} folders left`,
  );
}

async function repair(
  stage: Stage,
  { first, second }: Backups,
  flips: readonly IndexGroup[],
): Promise<number> {
  const { engine, story } = stage;
  const { repaired, healed, lost } = await repairBackup(engine, second);
  const files = flips.flatMap(({ entries }) =>
    entries.filter(({ type }) => type === 'file').map((entry) => displayPath(entry.path)),
  );
  const mended = new Set(healed.map((one) => one.path));
  story.expect(
    files.every((one) => mended.has(one)) && lost.length === 0,
    `repair takes the ${counted(files.length, 'damaged file')} from ${first.source}/${first.id}`,
    `${healed.length} healed, ${lost.length} lost`,
  );
  if (repaired === undefined) throw new UnmetExpectation('repair wrote no backup');
  const result = await verifyBackup(engine, { source: second.source, id: repaired }, 'content');
  expectProven(stage, result, `and writes ${repaired}, which is proven`);
  const { manifest } = await openBackup(engine, second.source, repaired);
  const [before, after] = [second.manifest, manifest].map((one) => artifactOf(one, 'archive'));
  story.expect(
    before?.sha256 === after?.sha256,
    'its archive is what the damaged one was, byte for byte',
    `SHA-256 ${after?.sha256 ?? ''}, not ${before?.sha256 ?? ''}`,
  );
  return healed.length;
}

/** One altered letter of a manifest, and its signature no longer fits. */
async function forge({ engine, story }: Stage, { first }: Backups, folder: string): Promise<void> {
  const file = path.join(folder, first.manifest.key);
  const text = await fs.readFile(file, 'utf8');
  await fs.writeFile(file, text.replace('"status":"complete"', '"status":"Complete"'));
  const code = await codeOf(verifyBackup(engine, first, 'digest'));
  story.expect(
    code === 'UNTRUSTED' || code === 'BACKUP_DAMAGED',
    'a manifest with one altered letter is refused: its signature does not match',
    code,
  );
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'no refusal';
  } catch (error) {
    if (error instanceof HoldfastError) return error.code;
    throw error;
  }
}
