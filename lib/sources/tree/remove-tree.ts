// Removes a folder that this run has made, whatever modes the folders in it were given.
import fs from 'node:fs';

/** Removes `folder` and all in it, if it is there. A folder in it that does not let its owner in is opened for that. */
export function removeTree(folder: string | Buffer): void {
  try {
    fs.rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    if (!CLOSED.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    openFolders(Buffer.from(folder));
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const CLOSED: readonly string[] = ['EACCES', 'EPERM', 'ENOTEMPTY'];
const SLASH = Buffer.from('/');

/** Never through a link: what it leads to is not ours. */
function openFolders(folder: Buffer): void {
  const stats = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (stats?.isDirectory() !== true) return;
  if ((stats.mode & 0o700) !== 0o700) fs.chmodSync(folder, 0o700);
  for (const one of fs.readdirSync(folder, { withFileTypes: true, encoding: 'buffer' })) {
    if (one.isDirectory()) openFolders(Buffer.concat([folder, SLASH, one.name]));
  }
}
