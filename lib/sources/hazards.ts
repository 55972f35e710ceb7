// What a restored tree should not hold: files that run with another's rights, files that anybody may change, secrets in the open,
// links that lead elsewhere.
import { displayPath, fromUtf8, fsPath, resolveLinkInside } from '../format/paths.ts';
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
  const hazards: Hazard[] = [];
  const entries = walk({
    root: `${fromUtf8(folder)}/`,
    selector: createSelector({}),
    secrets: 'include',
    times: 'content',
    oneFileSystem: true,
    leaveOut: new Set(),
    onProblem: () => undefined,
  });
  for (const entry of entries) {
    if (hazards.length >= MAX_HAZARDS) break;
    const path = displayPath(entry.path);
    if (entry.type === 'symlink') {
      const target = entry.linkTarget ?? '';
      if (!resolveLinkInside(entry.path, target)) {
        const detail = `leads, or may lead, out of the folder: ${displayPath(target)}`;
        hazards.push({ path, hazard: 'link-outside', detail });
      }
      continue;
    }
    if (entry.type === 'file' && (entry.mode & 0o6000) !== 0) {
      hazards.push({
        path,
        hazard: 'set-id',
        detail: 'runs with the rights of its owner or group',
      });
    }
    // A sticky directory such as /tmp is meant to be writable by all.
    if ((entry.mode & 0o1002) === 0o002) {
      hazards.push({
        path,
        hazard: 'world-writable',
        detail: 'anybody on this machine can change it',
      });
    }
    const secret = entry.readPath === undefined ? undefined : secretIn(entry.path, entry.readPath);
    if (secret !== undefined && (entry.mode & 0o044) !== 0) {
      hazards.push({
        path,
        hazard: 'secret',
        detail: `holds ${secret} and others on this machine can read it`,
      });
    }
  }
  return hazards;
}

/** Of files that exist to keep a secret; settings with a password in them are what every site has. */
function secretIn(path: string, readPath: string): string | undefined {
  const found = findSecret(path, (maxBytes) => readHead(fsPath(readPath), maxBytes));
  return found?.leaveOut === true ? found.reason : undefined;
}
