// Runs pg_dump in its directory format, with several jobs at once, and stores what it wrote as an archive: counted as a dump only
// when the program has ended as it should, and pg_restore has read every file of it.
import path from 'node:path';
import { HoldfastError } from '../../../errors.ts';
import type { Encoding } from '../../../format/codec.ts';
import { fromUtf8 } from '../../../format/paths.ts';
import { archiveTree, type StoredTree } from '../../tree/archive-tree.ts';
import { createSelector } from '../../tree/select.ts';
import type { ReadInput } from '../../source.ts';
import { walk } from '../../tree/walk.ts';
import { DUMP_FOLDER } from './directory.ts';
import { startDump, type DumpInput } from './writer.ts';
import { noRoom } from './spool.ts';

/**
 * Writes the dump of a database to a new directory of `folder`. Rows are not compressed there: an archive's members are, by all
 * cores, and what did not change is then recognised. Gives what pg_dump said; throws unless pg_dump ended with code 0, by no signal; `NO_SPACE`.
 */
export async function dumpToFolder(
  input: DumpInput,
  folder: string,
  jobs: number,
): Promise<string> {
  const format = ['--format=directory', '--compress=0', `--jobs=${jobs}`];
  const tool = startDump(input, {
    format: [...format, `--file=${path.join(folder, DUMP_FOLDER)}`],
  });
  tool.stdin.end();
  tool.stdout.resume();
  try {
    await tool.ended;
    return tool.said();
  } catch (error) {
    // The server may have no room either; then it says so, and pg_dump quotes it.
    const said = tool.said();
    const full = /No space left on device|Disk quota exceeded/i.test(said) && !/ERROR:/.test(said);
    throw full ? noRoom(`there is no room for the dump in ${folder}`, error) : error;
  }
}

/** Stores everything in `folder`. Nobody else writes there: whatever cannot be read of it makes the dump none. */
export async function storeFolder(
  folder: string,
  input: ReadInput,
  encoding: Encoding,
): Promise<StoredTree> {
  const entries = walk({
    root: `${fromUtf8(folder)}/`,
    selector: createSelector({}),
    secrets: 'include',
    times: 'content',
    oneFileSystem: false,
    leaveOut: new Set(),
    onProblem: ({ path: one, detail }) => refuse(one, detail),
  });
  const tree = { entries, encoding, times: 'content' } as const;
  const stored = await archiveTree({ ...input, full: true }, tree);
  const [problem] = stored.problems;
  if (problem !== undefined) refuse(problem.path, problem.detail);
  return stored;
}

function refuse(file: string, detail: string): never {
  throw new HoldfastError(
    'SOURCE_UNREADABLE',
    `${file} of the dump could not be read again: ${detail}`,
    { hint: 'Nothing was kept. Run the backup again, and look at the disk under TMPDIR.' },
  );
}
