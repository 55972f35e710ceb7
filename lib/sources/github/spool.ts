// Takes the archive that GitHub makes of a commit apart: contents go into numbered files of a private folder, whatever their paths are.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import type { SourceEntry } from '../../archive/write/plan.ts';
import { statLine } from '../../archive/write/stats.ts';
import { HoldfastError } from '../../errors.ts';
import { displayPath, fromUtf8, unsafePathReason } from '../../format/paths.ts';
import { BrokenAnswer } from '../../network/broken-answer.ts';
import { NotATar, readTar, type TarEntry } from './tar.ts';

/** A file or link of a commit. */
export interface Spooled {
  readonly entry: SourceEntry;
  /** What git calls its content. */
  readonly blob: string;
}

export interface SpoolOptions {
  /** An absolute folder that nobody else can enter; emptied first. */
  readonly folder: string;
  readonly commit: string;
  readonly wants: (path: string) => boolean;
}

/** What stands in the archive and is wanted, in any order. Throws what a new download may mend, or `SOURCE_UNREADABLE`, `NO_SPACE`. */
export async function spool(
  body: AsyncIterable<Uint8Array>,
  options: SpoolOptions,
): Promise<Spooled[]> {
  fs.rmSync(options.folder, { recursive: true, force: true });
  fs.mkdirSync(options.folder, { mode: 0o700 });
  const found: Spooled[] = [];
  try {
    await pipeline(Readable.from(body), zlib.createGunzip(), async (unzipped) => {
      for await (const { commit, entry } of readTar(unzipped as AsyncIterable<Uint8Array>)) {
        if (commit !== undefined && commit !== options.commit) {
          throw new NotATar(`it is of the commit ${displayPath(commit)}`);
        }
        if (entry.type === 'directory') continue;
        const path = pathOf(entry);
        if (options.wants(path))
          found.push(await keep(entry, path, `${options.folder}/${found.length}`));
      }
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new HoldfastError('NO_SPACE', `there is no room in ${options.folder}`, {
        hint: 'A repository is unpacked there while it is archived: give it room for all of its files.',
        cause: error,
      });
    }
    if (!(error instanceof NotATar) && !String(code).startsWith('Z_')) throw error;
    const { message } = error as Error;
    throw new BrokenAnswer(`sent an archive that is not whole: ${message}`, { cause: error });
  }
  return found;
}

/** The path less the folder that everything stands in, whose name changes with the commit. */
function pathOf({ path }: TarEntry): string {
  const inside = path.slice(path.indexOf('/') + 1);
  const reason = path.includes('/') ? unsafePathReason(inside) : 'it stands in no folder';
  if (reason === undefined) return inside;
  throw new HoldfastError(
    'SOURCE_UNREADABLE',
    `the archive of the repository names "${displayPath(path.slice(0, 200))}": ${reason}`,
  );
}

async function keep(entry: TarEntry, path: string, file: string): Promise<Spooled> {
  const { type, size, executable, linkTarget } = entry;
  const hash = createHash('sha1');
  const common = {
    path,
    uid: 0,
    gid: 0,
    mtimeMicroseconds: undefined,
    shared: false,
    holes: false,
  };
  if (type === 'symlink') {
    const target = Buffer.from(linkTarget ?? '', 'latin1');
    const blob = hash.update(`blob ${target.length}\0`).update(target).digest('hex');
    return {
      blob,
      entry: { ...common, type, size: 0, mode: 0o777, linkTarget, readPath: undefined, stat: '' },
    };
  }
  hash.update(`blob ${size}\0`);
  const fd = fs.openSync(file, 'wx', 0o600);
  try {
    for await (const chunk of entry.content) {
      hash.update(chunk);
      for (let at = 0; at < chunk.length;) at += fs.writeSync(fd, chunk, at);
    }
    const stat = statLine(fs.fstatSync(fd, { bigint: true }));
    const mode = executable ? 0o755 : 0o644;
    const readPath = fromUtf8(file);
    const kept = {
      ...common,
      type: 'file',
      size,
      mode,
      linkTarget: undefined,
      readPath,
      stat,
    } as const;
    return { blob: hash.digest('hex'), entry: kept };
  } finally {
    fs.closeSync(fd);
  }
}
