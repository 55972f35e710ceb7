// Restores everything and one file, compares both with the original, and test-restores once more for the evidence.
import fs from 'node:fs/promises';
import path from 'node:path';
import { restoreTest } from '../lib/engine/restore-test.ts';
import { restoreBackup } from '../lib/engine/restore/to-folder.ts';
import { bytesText, counted, durationText } from '../lib/cli/output/units.ts';
import type { Backups } from './back-up.ts';
import { runTool } from './command.ts';
import { isChangedSince } from './compare.ts';
import { groupsOf, typicalFile } from './entries.ts';
import { expectSame, notTaken } from './same.ts';
import { LEFT_OUT, PLAIN_RESTORE, type Stage } from './stage.ts';

export async function restoreAndCompare(stage: Stage, backups: Backups): Promise<void> {
  const { engine, story, work } = stage;
  story.section('Restore and compare');
  const to = path.join(work, 'restored');
  const { files, bytes, durationMs, differences } = await restoreBackup(engine, backups.first, {
    ...PLAIN_RESTORE,
    to,
  });
  const whole = `${counted(files, 'file')}, ${bytesText(bytes)} in ${durationText(durationMs)}`;
  story.tell(`${whole}, read back and compared with the manifest`);
  story.expect(
    differences?.length === 0,
    'content, mode and time of every entry are as recorded',
    `${differences?.length ?? 'no'} differences`,
  );
  expectSame(stage, backups, { folder: to, modes: true });
  await compareByDiff(stage, backups, to);
  await restoreOne(stage, backups);
  const tested = await restoreTest(engine, backups.second);
  story.expect(
    tested.verdict === 'proven' && tested.record !== undefined,
    `a restore test into a scratch folder is proven in ${durationText(tested.durationMs)}, and signed evidence of it kept`,
    `${tested.verdict}, ${tested.problems[0]?.detail ?? ''}`,
  );
  story.proven('restored', `${whole}, compared byte by byte with the original`);
}

/** `diff` knows nothing of what was left out for a reason: such lines are expected, all others are not. */
async function compareByDiff(
  { root, story }: Stage,
  { first, begin }: Backups,
  restored: string,
): Promise<void> {
  const exclude = LEFT_OUT.map((name) => `--exclude=${name}`);
  const ended = await runTool('diff', ['-rq', '--no-dereference', ...exclude, root, restored], '/');
  if (ended === undefined || ended.code > 1) {
    story.skip(
      `diff -r is not used: ${ended === undefined ? 'not installed' : ended.stderr.trim()}`,
    );
    return;
  }
  const leftOut = new Set(notTaken(first.manifest).map((one) => one.replace(/\/$/, '')));
  const lines = ended.stdout.split('\n').filter((line) => line !== '');
  const unexpected = lines.filter((line) => {
    const named = pathIn(line, [root, restored]);
    return named === undefined || !(leftOut.has(named) || isChangedSince(root, named, begin));
  });
  const noted =
    lines.length === 0
      ? 'finds no difference'
      : 'finds only what was left out or changed meanwhile';
  story.expect(
    unexpected.length === 0,
    `diff -r <original> <restored> ${noted}`,
    `${unexpected.length} lines, first: ${unexpected[0] ?? ''}`,
  );
}

/** The path that a line of `diff` is about, relative to either folder. */
function pathIn(line: string, folders: readonly string[]): string | undefined {
  const [, folder, name, other] =
    /^Only in (.+): (.+)$|^(?:Files|File|Symbolic links) (.+?) (?:and|is) /.exec(line) ?? [];
  const named = other ?? path.join(folder ?? '', name ?? '');
  const base = folders.find((one) => named.startsWith(`${one}/`));
  return base === undefined ? undefined : named.slice(base.length + 1);
}

async function restoreOne(stage: Stage, { first }: Backups): Promise<void> {
  const { engine, story, work } = stage;
  const groups = await groupsOf(engine, first);
  const one = typicalFile(groups);
  if (one === undefined) return;
  const to = path.join(work, 'restored-one');
  const report = await restoreBackup(engine, first, { ...PLAIN_RESTORE, paths: [one], to });
  const [found, wanted] = await Promise.all(
    [to, path.join(work, 'restored')].map((folder) => fs.readFile(path.join(folder, one))),
  );
  story.expect(
    report.files === 1 && found !== undefined && wanted?.equals(found) === true,
    `one file of it, ${one}, is restored in ${durationText(report.durationMs)}`,
    `${report.files} files`,
  );
}
