// The trees that are backed up: made from a seed, kept in the work directory, made again only when their recipe changes.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import * as text from './text.ts';

/** The kinds of trees, in the order in which they are measured. */
export const TREE_KINDS = ['site', 'small', 'mixed', 'sql', 'million'] as const;
export type TreeKind = (typeof TREE_KINDS)[number];
/** What can be measured. */
export const SUBJECTS = [...TREE_KINDS, 'database'] as const;
export type Subject = (typeof SUBJECTS)[number];

/** What each is, for people. */
export const ABOUT: Readonly<Record<Subject, string>> = {
  site: 'a Next.js site, mostly images',
  small: 'small source files in deep directories',
  mixed: 'source files, images, logs, a dump and binaries',
  sql: 'one SQL dump',
  million: 'tiny files',
  database: 'one table of PostgreSQL: ids, UUIDs, text, JSON, numbers',
};

/** What a tree holds. */
export interface TreeSize {
  readonly files: number;
  readonly bytes: number;
}

interface PlannedFile {
  readonly path: string;
  /** Consumed before the next file is asked for. */
  readonly parts: Iterable<Uint8Array | string>;
}

// Raised whenever a recipe below changes, so that no cached tree of an older recipe is measured.
const RECIPE_VERSION = 1;
const MIB = 1024 * 1024;

const JPEG_HEAD = Buffer.from('ffd8ffe000104a46494600010100000100010000ffdb0043', 'hex');
const PNG_HEAD = Buffer.from('89504e470d0a1a0a0000000d4948445200000400000003000802000000', 'hex');
const WEBP_HEAD = Buffer.from('524946460000000057454250565038200000000030', 'hex');
const WOFF2_HEAD = Buffer.from('774f463200010000', 'hex');

function image(random: Random, bytes: number): { extension: string; parts: Buffer[] } {
  const [extension, head] = random.pick([
    ['jpg', JPEG_HEAD],
    ['jpg', JPEG_HEAD],
    ['webp', WEBP_HEAD],
    ['webp', WEBP_HEAD],
    ['png', PNG_HEAD],
  ] as const);
  return { extension, parts: [head, random.bytes(bytes)] };
}

function scaled(count: number, scale: number): number {
  return Math.max(1, Math.round(count * scale));
}

function* site(random: Random, scale: number): Generator<PlannedFile> {
  for (let index = 0; index < scaled(440, scale); index += 1) {
    const { extension, parts } = image(random, random.between(8_000, 120_000));
    const folder = `public/images/${random.pick(['blog', 'team', 'products', 'cases'])}`;
    yield { path: `${folder}/${text.word(random)}-${index}.${extension}`, parts };
  }
  for (let index = 0; index < scaled(6, scale); index += 1) {
    const parts = [WOFF2_HEAD, random.bytes(random.between(20_000, 60_000))];
    yield { path: `public/fonts/${text.word(random)}-${index}.woff2`, parts };
  }
  for (let index = 0; index < scaled(90, scale); index += 1) {
    const parts = [text.articleText(random, random.between(2_000, 12_000))];
    yield { path: `content/posts/${text.word(random)}-${index}.mdx`, parts };
  }
  for (let index = 0; index < scaled(200, scale); index += 1) {
    const folder = random.pick(['app', 'components', 'lib', 'app/blog', 'components/ui']);
    const parts = [text.sourceText(random, random.between(700, 6_000), true)];
    yield { path: `${folder}/${text.word(random)}-${index}.tsx`, parts };
  }
  for (let index = 0; index < scaled(44, scale); index += 1) {
    const parts = [text.jsonText(random, random.between(300, 9_000))];
    yield { path: `data/${text.word(random)}-${index}.json`, parts };
  }
  yield { path: 'package-lock.json', parts: [text.lockText(random, 400_000)] };
  yield { path: 'next.config.mjs', parts: ['export default { reactStrictMode: true };\n'] };
  yield { path: '.env.example', parts: ['NEXT_PUBLIC_URL=\nCONTACT_ADDRESS=\n'] };
}

function deepFolder(random: Random, index: number): string {
  const depth = 2 + (index % 7);
  const names = [`package-${index % 97}`];
  for (let level = 1; level < depth; level += 1) names.push(text.word(random).slice(0, 8));
  return names.join('/');
}

function* sourceFiles(random: Random, count: number, maxBytes: number): Generator<PlannedFile> {
  let folder = '';
  for (let index = 0; index < count; index += 1) {
    if (index % 12 === 0) folder = deepFolder(random, index / 12);
    const extension = random.pick(['ts', 'js', 'js', 'json', 'md']);
    const bytes = random.between(500, maxBytes);
    const content =
      extension === 'json'
        ? text.jsonText(random, bytes)
        : extension === 'md'
          ? text.articleText(random, bytes)
          : text.sourceText(random, bytes);
    yield { path: `${folder}/${text.word(random)}-${index}.${extension}`, parts: [content] };
  }
}

function* pieces(
  bytes: number,
  piece: (bytes: number) => string | Buffer,
): Generator<string | Buffer> {
  for (let left = bytes; left > 0; left -= MIB) yield piece(Math.min(left, MIB));
}

function* sqlParts(random: Random, bytes: number): Generator<string | Buffer> {
  yield text.SQL_HEAD;
  let id = 0;
  yield* pieces(bytes, (size) => {
    id += 100_000;
    return text.sqlRows(random, size, id);
  });
  yield '\\.\n\n--\n-- PostgreSQL database dump complete\n--\n';
}

// Machine code and tables: half of the bytes repeat, half do not.
function binaryPiece(random: Random, bytes: number): Buffer {
  const piece = random.bytes(bytes);
  for (let offset = 0; offset + 64 <= bytes; offset += 64)
    piece.fill(offset & 0xff, offset, offset + 32);
  return piece;
}

function* mixed(random: Random, scale: number): Generator<PlannedFile> {
  for (const file of sourceFiles(random, scaled(30_000, scale), 24_000)) {
    yield { path: `src/${file.path}`, parts: file.parts };
  }
  for (let index = 0; index < scaled(2_000, scale); index += 1) {
    const { extension, parts } = image(random, random.between(20_000, 220_000));
    yield { path: `assets/${index % 40}/${text.word(random)}-${index}.${extension}`, parts };
  }
  for (let index = 0; index < 6; index += 1) {
    const parts = pieces(scaled(30 * MIB, scale), (bytes) => text.logText(random, bytes));
    yield { path: `var/log/access-${index}.log`, parts };
  }
  yield { path: 'var/dump.sql', parts: sqlParts(random, scaled(120 * MIB, scale)) };
  for (let index = 0; index < 4; index += 1) {
    const parts = pieces(scaled(24 * MIB, scale), (bytes) => binaryPiece(random, bytes));
    yield { path: `lib/native-${index}.bin`, parts };
  }
}

function* sql(random: Random, scale: number): Generator<PlannedFile> {
  yield { path: 'dump.sql', parts: sqlParts(random, scaled(1024 * MIB, scale)) };
}

function* million(random: Random, scale: number): Generator<PlannedFile> {
  const count = scaled(1_000_000, scale);
  for (let index = 0; index < count; index += 1) {
    const folder = `${Math.floor(index / 10_000)}/${Math.floor(index / 100) % 100}`;
    const parts = [`${index} ${text.words(random, random.between(2, 20))}\n`];
    yield { path: `${folder}/${text.word(random)}-${index}.txt`, parts };
  }
}

const RECIPES: Readonly<
  Record<TreeKind, (random: Random, scale: number) => Iterable<PlannedFile>>
> = {
  site,
  small: (random, scale) => sourceFiles(random, scaled(20_000, scale), 8_000),
  mixed,
  sql,
  million,
};

function writeFiles(root: string, files: Iterable<PlannedFile>): TreeSize {
  const made = new Set<string>();
  let count = 0;
  let bytes = 0;
  for (const file of files) {
    const name = path.join(root, file.path);
    const folder = path.dirname(name);
    if (!made.has(folder)) fs.mkdirSync(folder, { recursive: true });
    made.add(folder);
    const descriptor = fs.openSync(name, 'w');
    for (const part of file.parts) {
      const data = Buffer.from(part);
      for (let done = 0; done < data.length;) done += fs.writeSync(descriptor, data, done);
      bytes += data.length;
    }
    fs.closeSync(descriptor);
    count += 1;
  }
  return { files: count, bytes };
}

/**
 * Makes the tree of `kind` in `folder`/source, unless the one that is there came from this recipe, scale and seed.
 * Everything else in `folder` is removed when it has to be made. Returns whether it was made, and what it holds.
 */
export function prepareTree(
  kind: TreeKind,
  folder: string,
  options: { readonly scale: number; readonly seed: string },
): TreeSize & { readonly made: boolean } {
  const recipe = `${RECIPE_VERSION} ${kind} ${options.scale} ${options.seed}`;
  const marker = path.join(folder, 'tree.json');
  if (fs.existsSync(marker)) {
    const known = JSON.parse(fs.readFileSync(marker, 'utf8')) as TreeSize & { recipe: string };
    if (known.recipe === recipe) return { files: known.files, bytes: known.bytes, made: false };
  }
  fs.rmSync(folder, { recursive: true, force: true });
  const root = path.join(folder, 'source');
  fs.mkdirSync(root, { recursive: true });
  const random = createRandom(`${options.seed}/${kind}`);
  const size = writeFiles(root, RECIPES[kind](random, options.scale));
  fs.writeFileSync(marker, `${JSON.stringify({ recipe, ...size })}\n`);
  return { ...size, made: true };
}

/** The regular files below `root`, as paths relative to it with their sizes, sorted. Links are not followed. */
export function listFiles(root: string): { path: string; bytes: number }[] {
  const found: { path: string; bytes: number }[] = [];
  const waiting = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const entry of fs.readdirSync(path.join(root, folder), { withFileTypes: true })) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) waiting.push(name);
      else if (entry.isFile())
        found.push({ path: name, bytes: fs.lstatSync(path.join(root, name)).size });
    }
  }
  return found.sort((left, right) => (left.path < right.path ? -1 : 1));
}

/** What the tree below `root` holds now; nothing when it does not exist. */
export function sizeOf(root: string): TreeSize {
  const files = fs.existsSync(root) ? listFiles(root) : [];
  return { files: files.length, bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
}
