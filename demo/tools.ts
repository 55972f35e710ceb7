// Restores and checks the archive with tar and sha256sum alone: what is left when there is no Holdfast.
import fs from 'node:fs/promises';
import path from 'node:path';
import { artifactOf } from '../lib/format/manifest.ts';
import { SUMS_PATH } from '../lib/format/own-paths.ts';
import { counted } from '../lib/cli/output/units.ts';
import type { Backups } from './back-up.ts';
import { runTool, type Ended } from './command.ts';
import { isChangedSince } from './compare.ts';
import { groupsOf, typicalFile } from './entries.ts';
import { expectSame } from './same.ts';
import type { Stage } from './stage.ts';

/** The second is what macOS has. */
const CHECKERS = [
  ['sha256sum', '-c'],
  ['shasum', '-a', '256', '-c'],
] as const;

export async function restoreWithoutHoldfast(stage: Stage, backups: Backups): Promise<void> {
  const { story, work } = stage;
  const { manifest } = backups.first;
  story.section('Without Holdfast: tar and sha256sum');
  const archive = path.join(work, 'store', artifactOf(manifest, 'archive').key);
  const folder = path.join(work, 'by-tar');
  await fs.mkdir(folder);
  const tar = await runTool('tar', ['-xzf', archive], folder);
  if (tar === undefined) {
    story.skip('tar is not installed here, so this could not be shown');
    story.proven('restored without Holdfast', 'not shown: there is no tar here');
    return;
  }
  story.expect(tar.code === 0, 'tar -xzf <archive> extracts everything', lastLine(tar));
  expectSame(stage, backups, { folder, modes: false });
  const sums = await checkSums(stage, backups, folder);
  await onePath(stage, backups, archive);
  await fs.rm(folder, { recursive: true });
  story.proven('restored without Holdfast', `by tar -xzf; ${sums}`);
}

async function checkSums(
  { engine, story }: Stage,
  { first }: Backups,
  folder: string,
): Promise<string> {
  const groups = await groupsOf(engine, first);
  const files = groups.flatMap(({ entries }) => entries.filter(({ sha256 }) => sha256)).length;
  for (const [command, ...args] of CHECKERS) {
    const ended = await runTool(command, [...args, SUMS_PATH], folder);
    if (ended === undefined) continue;
    const good = ended.stdout.split('\n').filter((line) => line.endsWith(': OK')).length;
    story.expect(
      ended.code === 0 && good === files,
      `${command} -c ${SUMS_PATH} finds ${counted(files, 'file')} of ${files} OK`,
      `${good} OK, exit code ${ended.code}: ${lastLine(ended)}`,
    );
    return `${command} -c: ${good} of ${files} OK`;
  }
  story.skip('neither sha256sum nor shasum is installed here, so the checksums were not shown');
  return 'no sha256sum here';
}

async function onePath(
  { engine, root, story, work }: Stage,
  { first, begin }: Backups,
  archive: string,
): Promise<void> {
  const one = typicalFile(await groupsOf(engine, first));
  if (one === undefined) return;
  const folder = path.join(work, 'one-path');
  await fs.mkdir(folder);
  const tar = await runTool('tar', ['-xzf', archive, one], folder);
  const found = await fs.readFile(path.join(folder, one));
  const same =
    isChangedSince(root, one, begin) || found.equals(await fs.readFile(path.join(root, one)));
  story.expect(
    tar?.code === 0 && same,
    `tar -xzf <archive> ${one} extracts that one file`,
    tar === undefined ? 'no tar' : lastLine(tar),
  );
  await fs.rm(folder, { recursive: true });
}

function lastLine({ stderr, code }: Ended): string {
  return stderr.trim().split('\n').at(-1) ?? `exit code ${code}`;
}
