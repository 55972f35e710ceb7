// What happens to a tree between two backups: one percent of it is edited, or it is checked out anew. Both can be taken back.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createRandom } from './random.ts';
import * as text from './text.ts';
import { listFiles } from './trees.ts';

const LARGE_BYTES = 8 * 1024 * 1024;
const EDITED_SHARE = 0.01;
const EDITED_PLACES = 5;

/** The places of one tree on disk. */
export interface TreeFolder {
  /** What the tools back up; always this same path. */
  readonly source: string;
  readonly checkout: string;
  readonly original: string;
  readonly undo: string;
}

/** The places of the tree that `prepareTree` made in `folder`. */
export function treeFolder(folder: string): TreeFolder {
  return {
    source: path.join(folder, 'source'),
    checkout: path.join(folder, 'checkout'),
    original: path.join(folder, 'original'),
    undo: path.join(folder, 'undo'),
  };
}

// Rows of a dump are rewritten where they stand, in a few places, and some are appended.
function editLarge(name: string, bytes: number, seed: string): void {
  const random = createRandom(seed);
  const descriptor = fs.openSync(name, 'r+');
  const share = Math.max(64, Math.floor((bytes * EDITED_SHARE) / EDITED_PLACES));
  for (let place = 0; place < EDITED_PLACES; place += 1) {
    const rows = Buffer.from(text.sqlRows(random, share, place)).subarray(0, share);
    fs.writeSync(descriptor, rows, 0, rows.length, Math.floor((bytes * place) / EDITED_PLACES));
  }
  fs.writeSync(descriptor, text.sqlRows(random, share / 10, 1), bytes);
  fs.closeSync(descriptor);
}

function editFile(name: string, bytes: number, seed: string): void {
  const random = createRandom(seed);
  if (name.endsWith('.log')) {
    fs.appendFileSync(name, text.logText(random, Math.max(200, bytes * EDITED_SHARE)));
  } else if (bytes >= LARGE_BYTES || name.endsWith('.sql')) {
    editLarge(name, bytes, seed);
  } else if (/\.(jpg|png|webp|woff2|bin)$/.test(name)) {
    const content = fs.readFileSync(name);
    random.bytes(Math.max(0, bytes - 64)).copy(content, 64);
    fs.writeFileSync(name, content);
  } else {
    const content = fs.readFileSync(name, 'utf8');
    const at = content.indexOf('\n', random.integer(content.length)) + 1;
    const line = `// ${text.words(random, 8)}\n`;
    fs.writeFileSync(name, content.slice(0, at) + line + content.slice(at));
  }
}

function chooseFiles(source: string, seed: string): { path: string; bytes: number }[] {
  const files = listFiles(source);
  const random = createRandom(`${seed}/choice`);
  const chosen = new Set(files.filter((file) => file.path.endsWith('.log')));
  const wanted = chosen.size + Math.max(1, Math.round(files.length * EDITED_SHARE));
  while (chosen.size < Math.min(wanted, files.length)) chosen.add(random.pick(files));
  return [...chosen];
}

/** Edits one percent of the files, at least one, and lets the logs grow; keeps what `undoChange` needs. */
export function applyChange(folder: TreeFolder, seed: string): void {
  const files = chooseFiles(folder.source, seed);
  fs.mkdirSync(folder.undo);
  for (const [index, file] of files.entries()) {
    fs.copyFileSync(path.join(folder.source, file.path), path.join(folder.undo, String(index)));
  }
  // Written last and before the first edit, so that a list that is there is whole, and without it nothing was edited.
  fs.writeFileSync(path.join(folder.undo, 'list.json'), JSON.stringify(files));
  for (const file of files) {
    editFile(path.join(folder.source, file.path), file.bytes, `${seed}/${file.path}`);
  }
}

/** Takes back what `applyChange` and `swapIn` did, also after a run that was killed. Returns whether anything was done. */
export function undoChange(folder: TreeFolder): boolean {
  let done = swapBack(folder);
  const list = path.join(folder.undo, 'list.json');
  if (fs.existsSync(list)) {
    const files = JSON.parse(fs.readFileSync(list, 'utf8')) as { path: string }[];
    for (const [index, file] of files.entries()) {
      fs.copyFileSync(path.join(folder.undo, String(index)), path.join(folder.source, file.path));
    }
    done = true;
  }
  fs.rmSync(folder.undo, { recursive: true, force: true });
  return done;
}

/**
 * Copies the tree as it is now to the checkout's place: same content, every time and inode new. A copy that is there is kept,
 * since changes depend on the seed alone.
 */
export function prepareCheckout(folder: TreeFolder): void {
  if (fs.existsSync(folder.checkout)) return;
  const partial = `${folder.checkout}.partial`;
  fs.rmSync(partial, { recursive: true, force: true });
  fs.cpSync(folder.source, partial, { recursive: true });
  fs.renameSync(partial, folder.checkout);
}

/** Puts the checkout where the tools look, and the tree aside. */
export function swapIn(folder: TreeFolder): void {
  fs.renameSync(folder.source, folder.original);
  fs.renameSync(folder.checkout, folder.source);
}

function swapBack(folder: TreeFolder): boolean {
  if (!fs.existsSync(folder.original)) return false;
  if (fs.existsSync(folder.source)) fs.renameSync(folder.source, folder.checkout);
  fs.renameSync(folder.original, folder.source);
  return true;
}
