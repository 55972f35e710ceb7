// Backs up the folder, and at once again: what a first backup costs, and what one costs when nothing has changed.
import { backupSource, type BackupResult } from '../lib/engine/backup.ts';
import { listStored } from '../lib/engine/catalog/backups.ts';
import { HoldfastError } from '../lib/errors.ts';
import { artifactOf } from '../lib/format/manifest.ts';
import { bytesText, counted, durationText } from '../lib/cli/output/units.ts';
import { LEFT_OUT, SOURCE, type Stage } from './stage.ts';
import { changedPaths } from './entries.ts';

/** The two backups of the folder, and when the first began. */
export interface Backups {
  readonly first: BackupResult;
  readonly second: BackupResult;
  readonly begin: Date;
}

export async function backUpTwice(stage: Stage): Promise<Backups> {
  const begin = stage.engine.now();
  const first = await firstBackup(stage, begin);
  const second = await secondBackup(stage, first);
  return { first, second, begin };
}

async function firstBackup(stage: Stage, begin: Date): Promise<BackupResult> {
  const { engine, story } = stage;
  story.section('Back up');
  const start = performance.now();
  const backup = await backupSource(engine, stage.source, {
    trigger: { kind: 'manual', at: begin },
    full: false,
  });
  const ms = performance.now() - start;
  const { totals, problems, problemCount, artifacts, git } = backup.manifest;
  const archive = artifactOf(backup.manifest, 'archive');
  const ratio = totals.contentBytes / archive.bytes;
  story.tell(
    `${counted(totals.files, 'file')}, ${bytesText(totals.contentBytes)} in ${durationText(ms)}`,
  );
  story.tell(archive.key);
  story.tell(
    `one .tar.gz of ${bytesText(archive.bytes)} (${ratio.toFixed(1)} : 1), ${artifacts.length - 1} scan, 1 signed manifest`,
  );
  if (git !== undefined) {
    const changes = git.dirty ? ', with changes that are not committed' : '';
    story.tell(`commit ${git.commit.slice(0, 12)}${changes} is recorded with it`);
  }
  story.tell(`left out by name: ${LEFT_OUT.join(', ')}`);
  const noted = problems.filter(({ tolerated }) => tolerated === true);
  for (const { path, code, detail } of noted.slice(0, 5))
    story.tell(`${code === 'secret' ? 'left out' : 'noted'}: ${path}: ${detail}`);
  if (problemCount > 5) story.tell(`… ${problemCount} in all`);
  assertWhole(backup);
  story.expect(backup.manifest.status === 'complete', 'every file was read', 'not all');
  const listed = await listStored(engine, SOURCE);
  story.expect(listed.length === 1, 'the store lists one backup', `${listed.length}`);
  const figures = `${counted(totals.files, 'file')}, ${bytesText(totals.contentBytes)} → ${bytesText(archive.bytes)} (${ratio.toFixed(1)} : 1) in ${durationText(ms)}`;
  story.proven('backed up', figures);
  return backup;
}

/** A backup that lacks something would prove less than is claimed, so the demonstration ends here and says why. */
function assertWhole({ manifest }: BackupResult): void {
  if (manifest.status === 'complete') return;
  const missing = manifest.problems.filter(({ tolerated }) => tolerated !== true);
  const first = missing.slice(0, 3).map(({ path, detail }) => `${path} (${detail})`);
  throw new HoldfastError(
    'SOURCE_INCOMPLETE',
    `the backup is partial: ${counted(missing.length, 'entry', 'entries')} could not be read, first ${first.join(', ')}`,
    { hint: 'Choose a folder that you may read completely and that nothing is writing to.' },
  );
}

async function secondBackup(stage: Stage, first: BackupResult): Promise<BackupResult> {
  const { engine, story } = stage;
  story.section('Back up again');
  const start = performance.now();
  const backup = await backupSource(engine, stage.source, {
    trigger: { kind: 'manual', at: engine.now() },
    full: false,
  });
  const ms = performance.now() - start;
  const { totals } = backup.manifest;
  const [before, after] = [first, backup].map(({ manifest }) => artifactOf(manifest, 'archive'));
  story.tell(
    `read ${bytesText(totals.readBytes)} of ${bytesText(totals.contentBytes)}, reused ${bytesText(totals.reusedBytes)} of ${bytesText(after?.bytes ?? 0)}, in ${durationText(ms)}`,
  );
  assertWhole(backup);
  if (before?.sha256 === after?.sha256) {
    story.expect(
      totals.reusedBytes > 0,
      `the same tree gave the same archive, byte for byte (SHA-256 ${after?.sha256.slice(0, 16) ?? ''}…)`,
      'nothing was reused',
    );
  } else {
    const changed = await changedPaths(engine, first, backup);
    story.tell(
      `somebody changed ${counted(changed.length, 'entry', 'entries')} meanwhile: ${changed.slice(0, 3).join(', ')}`,
    );
    story.expect(changed.length > 0, 'the archive differs only because the tree does', 'no change');
  }
  const share = 1 - totals.readBytes / Math.max(1, totals.contentBytes);
  story.proven(
    'backed up again',
    `${Math.floor(share * 100)} % not read again, ${bytesText(totals.reusedBytes)} reused, in ${durationText(ms)}`,
  );
  return backup;
}
