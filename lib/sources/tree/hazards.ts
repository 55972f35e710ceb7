// What a restored tree should not hold: files that run with another's rights, files that anybody may change, secrets in the open,
// links that lead elsewhere.
import fs from 'node:fs';
import type { SourceEntry } from '../../archive/write/plan.ts';
import { displayPath, fromUtf8, fsPath, resolveLinkInside } from '../../format/paths.ts';
import { findSecret } from './secrets.ts';
import { createSelector } from './select.ts';
import { readHead } from './small-file.ts';
import { walk } from './walk.ts';

export interface Hazard {
  readonly path: string;
  readonly hazard: 'set-id' | 'world-writable' | 'secret' | 'link-outside';
  readonly detail: string;
}

const MAX_HAZARDS = 1000;

/** The first thousand hazards in a folder, in the order of their paths. */
export function findHazards(folder: string): Hazard[] {
  const entries = walk({
    root: rootOf(folder),
    selector: createSelector({}),
    secrets: 'include',
    times: 'content',
    oneFileSystem: true,
    leaveOut: new Set(),
    onProblem: () => undefined,
  });
  return hazardsOf(entries);
}

/**
 * The first thousand hazards among some entries of a folder, and of nothing else in it: what was there before is not looked at.
 *
 * @param paths - byte strings, with a closing slash for directories
 */
export function findHazardsAmong(folder: string, paths: readonly string[]): Hazard[] {
  return hazardsOf(standing(rootOf(folder), paths));
}

function rootOf(folder: string): string {
  return `${fromUtf8(folder)}/`;
}

/** What a hazard is seen by. */
type Looked = Pick<SourceEntry, 'path' | 'type' | 'mode' | 'linkTarget' | 'readPath'>;

function* standing(root: string, paths: readonly string[]): Generator<Looked> {
  for (const path of paths) {
    const at = root + path.replace(/\/$/, '');
    const stats = fs.lstatSync(fsPath(at), { throwIfNoEntry: false });
    if (stats === undefined) continue;
    const link = stats.isSymbolicLink();
    yield {
      path,
      type: link ? 'symlink' : stats.isDirectory() ? 'directory' : 'file',
      mode: stats.mode & 0o7777,
      linkTarget: link ? fs.readlinkSync(fsPath(at), { encoding: 'latin1' }) : undefined,
      readPath: stats.isFile() ? at : undefined,
    };
  }
}

function hazardsOf(entries: Iterable<Looked>): Hazard[] {
  const hazards: Hazard[] = [];
  for (const entry of entries) {
    if (hazards.length >= MAX_HAZARDS) break;
    hazards.push(...hazardsIn(entry));
  }
  return hazards;
}

function hazardsIn(entry: Looked): Hazard[] {
  const path = displayPath(entry.path);
  const { type, mode } = entry;
  if (type === 'symlink') {
    const target = entry.linkTarget ?? '';
    if (resolveLinkInside(entry.path, target)) return [];
    const detail = `leads, or may lead, out of the folder: ${displayPath(target)}`;
    return [{ path, hazard: 'link-outside', detail }];
  }
  const hazards: Hazard[] = [];
  if (type === 'file' && (mode & 0o6000) !== 0) {
    hazards.push({ path, hazard: 'set-id', detail: 'runs with the rights of its owner or group' });
  }
  // A sticky directory such as /tmp is meant to be writable by all.
  if ((mode & 0o1002) === 0o002) {
    const detail = 'anybody on this machine can change it';
    hazards.push({ path, hazard: 'world-writable', detail });
  }
  const secret = entry.readPath === undefined ? undefined : secretIn(entry.path, entry.readPath);
  if (secret !== undefined && (mode & 0o044) !== 0) {
    const detail = `holds ${secret} and others on this machine can read it`;
    hazards.push({ path, hazard: 'secret', detail });
  }
  return hazards;
}

/** What makes the file one that exists to keep a secret; settings with a password in them are not, as every site has them. */
function secretIn(path: string, readPath: string): string | undefined {
  const found = findSecret(path, (maxBytes) => readHead(fsPath(readPath), maxBytes));
  return found?.leaveOut === true ? found.reason : undefined;
}
