// Looks at a folder for `init`: names down to a few folders below it, and the texts of the files that tell what the site is made of.
// Reads only, and not much: a site with a million pictures is looked at as fast as a small one.
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { errorCode, isAbsent } from '../error-code.ts';
import { isWithin } from '../places.ts';
import { below, nameOf, type LookedAt } from './looked-at.ts';

const MAX_DEPTH = 5;
const MAX_FOLDERS = 3_000;
const MAX_FILES = 60_000;
const MAX_TEXTS = 500;
const MAX_TEXT_BYTES = 256 * 1024;

// Noted, but not looked into: what was installed or built says nothing that the site itself does not say.
const CLOSED =
  /^(?:node_modules|bower_components|vendor|__pycache__|dist|build|out|target|coverage|venv|_site|\.(?!github$|devcontainer$).*)$/;

/** Files whose texts may say what a site is made of, or which database it uses. */
const TELLING: readonly RegExp[] = [
  /(?:^|\/)\.env(?:rc|\.[\w.-]+)?$/,
  /(?:^|\/)(?:package|composer|turbo|ormconfig|app)\.json$/,
  /(?:^|\/)(?:pnpm-workspace|render|_config)\.ya?ml$/,
  /(?:^|\/)(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml$/,
  /(?:^|\/)(?:Gemfile|Pipfile|pyproject\.toml|\.gitignore|\.yarnrc\.yml)$/,
  /(?:^|\/)requirements(?:[-_.\w]*\.txt|\/[-_.\w]+\.txt)$/,
  /(?:^|\/)(?:[\w-]+\.config|config|hugo|\.eleventy|knexfile|data-source|ormconfig)\.(?:[cm]?[jt]s|json|ya?ml|toml)$/,
  /(?:^|\/)config\/(?:config\.json|database\.(?:ya?ml|php|[jt]s|json)|storage\.ya?ml|filesystems\.php)$/,
  /(?:^|\/)prisma\/(?:[\w-]+\/)*[\w-]+\.prisma$|(?:^|\/)schema\.prisma$/,
  /(?:^|\/)settings(?:\/\w+|_\w+)?\.py$/,
  /(?:^|\/)wp-config\.php$/,
  /(?:^|\/)supabase\/config\.toml$/,
];

const SQLITE_NAME = /\.(?:db3?|sqlite3?|s3db)$/i;
const SQLITE_MAGIC = 'SQLite format 3\0';

/** What is in `folder`. What does not exist, or may not be read, is passed over; only `folder` itself must be readable. */
export async function lookAt(folder: string): Promise<LookedAt> {
  const files: string[] = [];
  const folders: string[] = [];
  const linksOut = new Map<string, string>();
  const waiting: { path: string; depth: number }[] = [{ path: '', depth: 0 }];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { path: parent, depth } = next;
    const listed = readdir(join(folder, parent), { withFileTypes: true });
    const entries = parent === '' ? await listed : ((await ifReadable(listed)) ?? []);
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = below(parent, entry.name);
      if (entry.isSymbolicLink()) {
        const found = await linkAt(folder, path);
        if (found.outside !== undefined) linksOut.set(path, found.outside);
        if (found.kind === 'folder') folders.push(path);
        if (found.kind === 'file') files.push(path);
      } else if (entry.isDirectory()) {
        folders.push(path);
        if (depth < MAX_DEPTH && folders.length < MAX_FOLDERS && !CLOSED.test(entry.name))
          waiting.push({ path, depth: depth + 1 });
      } else if (entry.isFile() && files.length < MAX_FILES) {
        files.push(path);
      }
    }
  }
  const texts = await textsOf(folder, files);
  const sqliteFiles = await sqliteIn(folder, files);
  return { files, folders, linksOut, texts, sqliteFiles };
}

interface FoundLink {
  readonly kind: 'file' | 'folder' | 'nothing';
  /** Set for a folder outside. */
  readonly outside?: string;
}

/** A link is not followed, but what it leads to counts by its name, as for the site itself. */
async function linkAt(folder: string, path: string): Promise<FoundLink> {
  const real = await ifReadable(realpath(join(folder, path)));
  const found = real === undefined ? undefined : await ifReadable(stat(real));
  if (real === undefined || found === undefined) return { kind: 'nothing' };
  if (!found.isDirectory()) return { kind: found.isFile() ? 'file' : 'nothing' };
  return isWithin(real, folder) ? { kind: 'folder' } : { kind: 'folder', outside: real };
}

async function textsOf(folder: string, files: readonly string[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const path of files) {
    if (texts.size >= MAX_TEXTS) break;
    if (!TELLING.some((telling) => telling.test(path))) continue;
    const found = await ifReadable(stat(join(folder, path)));
    if (found === undefined || !found.isFile() || found.size > MAX_TEXT_BYTES) continue;
    const text = await ifReadable(readFile(join(folder, path), 'utf8'));
    if (text !== undefined) texts.set(path, text);
  }
  return texts;
}

async function sqliteIn(folder: string, files: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of files.filter((one) => SQLITE_NAME.test(nameOf(one))).slice(0, 200)) {
    const head = await ifReadable(headOf(join(folder, path), SQLITE_MAGIC.length));
    if (head === SQLITE_MAGIC) found.push(path);
  }
  return found;
}

async function headOf(file: string, bytes: number): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** What `reading` gives, or undefined for what is not there, or not for us to read. */
async function ifReadable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (isAbsent(error) || ['EACCES', 'EPERM', 'EISDIR', 'ELOOP'].includes(code)) return undefined;
    throw error;
  }
}
