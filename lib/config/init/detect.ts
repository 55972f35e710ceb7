// Looks at a folder to see what kind of system lives in it. Reads names and files that set it up, changes nothing.
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';

import { detectDatabase, type FoundDatabase } from './detect-database.ts';
import { isAbsent } from '../error-code.ts';

/** What was found in a folder. */
export interface FoundFolder {
  readonly kind: 'nextjs' | 'vite' | 'plain';
  /** A system id made from the package's name, or else from the folder's. */
  readonly system: string;
  readonly git: boolean;
  /** Folders with what editors write, relative and in bytewise order. */
  readonly content: readonly string[];
  /** Names and globs of what sets the system up, each of which matches something. */
  readonly configuration: readonly string[];
  readonly database: FoundDatabase | undefined;
}

const CONTENT = [
  'content',
  'contents',
  'posts',
  'blog',
  'mdx',
  'images',
  'assets',
  'public',
  'src/content',
  'src/posts',
];

// A glob stands for what may have several endings. No .npmrc: naming a file takes it although it may hold a token.
const CONFIGURATION = [
  'package.json',
  'package-lock.json',
  'npm-shrinkwrap.json',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  'yarn.lock',
  'bun.lock',
  '.nvmrc',
  '.node-version',
  'next.config.*',
  'vite.config.*',
  'tsconfig*.json',
  'jsconfig.json',
  'postcss.config.*',
  'tailwind.config.*',
  'eslint.config.*',
  '.prettierrc*',
  '.env.example',
  '.env.sample',
  '.env.template',
  '.github',
  'Dockerfile',
  'docker-compose.y*ml',
  'compose.y*ml',
  'vercel.json',
  'netlify.toml',
  'amplify.yml',
  'buildspec.yml',
  'Makefile',
];

/** `path` read by `read`, or undefined when there is nothing. */
async function ifPresent<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

interface PackageFile {
  readonly name?: unknown;
  readonly dependencies?: unknown;
  readonly devDependencies?: unknown;
}

async function readPackage(folder: string): Promise<PackageFile> {
  const text = await ifPresent(readFile(join(folder, 'package.json'), 'utf8'));
  if (text === undefined) return {};
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === 'object' && data !== null ? data : {};
  } catch (error) {
    // A package.json that is no JSON tells nothing about the folder, and is not ours to complain about.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function dependsOn({ dependencies, devDependencies }: PackageFile, name: string): boolean {
  return [dependencies, devDependencies].some(
    (list) => typeof list === 'object' && list !== null && Object.hasOwn(list, name),
  );
}

/** The id of a system of this name: `@automatron/website` becomes `automatron-website`. */
export function systemId(name: string): string {
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return id === '' ? 'system' : id;
}

function matchesName(glob: string, name: string): boolean {
  const [start = '', end] = glob.split('*');
  if (end === undefined) return name === glob;
  return name.length >= start.length + end.length && name.startsWith(start) && name.endsWith(end);
}

async function isDirectory(path: string): Promise<boolean> {
  return (await ifPresent(stat(path)))?.isDirectory() ?? false;
}

/** What lives in `folder`. Folders and files that do not exist are no error; those that cannot be looked at are. */
export async function detectFolder(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<FoundFolder> {
  const names = await readdir(folder);
  const has = (glob: string) => names.some((name) => matchesName(glob, name));
  const packageFile = await readPackage(folder);
  const content: string[] = [];
  for (const path of CONTENT) if (await isDirectory(join(folder, path))) content.push(path);
  const isNext = dependsOn(packageFile, 'next') || has('next.config.*');
  const isVite = dependsOn(packageFile, 'vite') || has('vite.config.*');
  const { name } = packageFile;
  return {
    kind: isNext ? 'nextjs' : isVite ? 'vite' : 'plain',
    system: systemId(typeof name === 'string' && name !== '' ? name : basename(resolve(folder))),
    git: has('.git'),
    content: content.sort(),
    configuration: CONFIGURATION.filter(has),
    database: await detectDatabase(folder, env),
  };
}
