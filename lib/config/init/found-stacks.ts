// Which stacks the packages of a folder are made with, and what that says about its files. Pure.
import { parse } from 'yaml';

import {
  below,
  folderOf,
  has,
  matchesName,
  nameOf,
  objectAt,
  recordOf,
  textAt,
  type LookedAt,
} from './looked-at.ts';
import { gemsIn, namesPythonPackage } from './manifests.ts';
import {
  STACKS,
  USUAL_BUILT,
  USUAL_CONFIGURATION,
  USUAL_CONTENT,
  USUAL_UPLOADS,
  type Stack,
} from './stacks.ts';

/** A stack, and the folder of the package that is made with it; empty for the top. */
export interface FoundStack {
  readonly stack: Stack;
  readonly folder: string;
}

/** What the stacks say about the files of a site. All paths and globs are relative to the site. */
export interface FoundParts {
  /** What is left out, as it can be made again. */
  readonly built: readonly string[];
  /** What changes while the site runs. */
  readonly live: readonly string[];
  /** Folders with what editors write, in bytewise order. */
  readonly content: readonly string[];
  /** Names and globs of what sets the site up, each of which matches something. */
  readonly configuration: readonly string[];
  /** Folders in which the site stores what users send, in bytewise order. */
  readonly uploads: readonly string[];
}

// Folders that are looked at as packages are those of workspaces, and those that lie at the top.
const MANIFESTS: readonly string[] = [
  'package.json',
  'composer.json',
  'Gemfile',
  'manage.py',
  'pyproject.toml',
  'hugo.toml',
];

/** The folders of packages: the top, the workspaces, and what lies at the top with a manifest of its own. */
export function packageFolders(looked: LookedAt): string[] {
  const globs = workspaceGlobs(looked);
  const folders = looked.files
    .filter((path) => MANIFESTS.includes(nameOf(path)))
    .map(folderOf)
    .filter((folder) => !folder.includes('/') || globs.some((glob) => fits(glob, folder)));
  return [...new Set(['', ...folders])];
}

/** `apps/*`, as pnpm, npm, Yarn and Bun write it. */
function workspaceGlobs(looked: LookedAt): string[] {
  const ofPnpm = recordOf(yamlOf(textAt(looked, '', 'pnpm-workspace.yaml')))['packages'];
  const { workspaces } = objectAt(looked, '', 'package.json');
  const ofPackage = Array.isArray(workspaces) ? workspaces : recordOf(workspaces)['packages'];
  return [ofPnpm, ofPackage]
    .flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []))
    .filter((glob): glob is string => typeof glob === 'string' && !glob.startsWith('!'))
    .map((glob) => glob.replace(/^\.\//, '').replace(/\/$/, ''));
}

function yamlOf(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : parse(text);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function fits(glob: string, folder: string): boolean {
  const parts = folder.split('/');
  const wanted = glob.split('/');
  return (
    wanted.every((part, at) => {
      if (part === '**') return true;
      return parts[at] !== undefined && matchesName(part, parts[at]);
    }) &&
    (wanted.includes('**') || wanted.length === parts.length)
  );
}

/** The stacks of all packages: those of the top first, and of one package the most telling first. */
export function findStacks(looked: LookedAt): FoundStack[] {
  return packageFolders(looked).flatMap((folder) => {
    const found = STACKS.filter((stack) => isMadeWith(looked, folder, stack));
    const covered = new Set(found.flatMap(({ covers }) => covers ?? []));
    return found.filter(({ id }) => !covered.has(id)).map((stack) => ({ stack, folder }));
  });
}

function isMadeWith(looked: LookedAt, folder: string, { signs }: Stack): boolean {
  const { npm = [], composer = [], gems = [], python = [], paths = [] } = signs;
  return (
    paths.some((all) => all.every((glob) => has(looked, folder, glob))) ||
    npm.some((name) => dependsOn(looked, folder, name)) ||
    composer.some((name) => requires(looked, folder, name)) ||
    gems.some((name) => hasGem(looked, folder, name)) ||
    python.some((name) => hasPython(looked, folder, name))
  );
}

function dependsOn(looked: LookedAt, folder: string, name: string): boolean {
  const { dependencies, devDependencies } = objectAt(looked, folder, 'package.json');
  return [dependencies, devDependencies].some((list) => Object.hasOwn(recordOf(list), name));
}

function requires(looked: LookedAt, folder: string, name: string): boolean {
  return Object.hasOwn(recordOf(objectAt(looked, folder, 'composer.json')['require']), name);
}

function hasGem(looked: LookedAt, folder: string, name: string): boolean {
  return gemsIn(textAt(looked, folder, 'Gemfile') ?? '').has(name);
}

function hasPython(looked: LookedAt, folder: string, name: string): boolean {
  return [...looked.texts].some(
    ([path, text]) => isRequirements(path, folder) && namesPythonPackage(text, name),
  );
}

function isRequirements(path: string, folder: string): boolean {
  const relative =
    folder === '' ? path : path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : '';
  return /^(?:requirements[-_.\w]*\.txt|requirements\/[-_.\w]+\.txt|pyproject\.toml|Pipfile)$/.test(
    relative,
  );
}

/** What the stacks in `found`, and what is usual, say about the files. */
export function partsOf(looked: LookedAt, found: readonly FoundStack[]): FoundParts {
  const packages = packageFolders(looked);
  const built = builtIn(looked, found, packages);
  const isBuilt = (path: string) => built.some((glob) => leavesOut(glob, path));
  const all = (of: (stack: Stack) => readonly string[], usual: readonly string[]) => [
    ...found.flatMap(({ stack, folder }) => of(stack).map((path) => below(folder, path))),
    ...packages.flatMap((folder) => usual.map((path) => below(folder, path))),
  ];
  const folders = (paths: readonly string[]) =>
    [...new Set(paths)]
      .filter((path) => looked.folders.includes(path) && !looked.linksOut.has(path))
      .filter((path) => !isBuilt(path))
      .sort();
  const uploads = all(({ uploads: own = [] }) => own, USUAL_UPLOADS);
  return {
    built,
    live: found.flatMap(({ stack, folder }) =>
      (stack.live ?? []).map((glob) => below(folder, glob)),
    ),
    content: outermost(folders(all(({ content }) => content, USUAL_CONTENT))),
    configuration: [...new Set(all(({ configuration }) => configuration, USUAL_CONFIGURATION))]
      .filter((glob) => has(looked, '', glob))
      .filter((path) => !isBuilt(path) && !looked.linksOut.has(path)),
    uploads: outermost(folders(uploads)),
  };
}

/** Without those that lie in another one. */
function outermost(paths: readonly string[]): string[] {
  return paths.filter((path) => !paths.some((other) => path.startsWith(`${other}/`)));
}

/** Links to folders outside in which the site stores what users send: those that a backup of the site holds only as links. */
export function uploadsOutside(
  looked: LookedAt,
  found: readonly FoundStack[],
): ReadonlyMap<string, string> {
  const usual = found.flatMap(({ stack, folder }) =>
    (stack.uploads ?? []).map((path) => below(folder, path)),
  );
  const names = new Set([...usual, ...usual.map((path) => path.split('/')[0] ?? '')]);
  return new Map(
    [...looked.linksOut].filter(
      ([path]) => names.has(path) || USUAL_UPLOADS.some((one) => nameOf(one) === nameOf(path)),
    ),
  );
}

function builtIn(
  looked: LookedAt,
  found: readonly FoundStack[],
  packages: readonly string[],
): string[] {
  const usual = packages.flatMap((folder) =>
    USUAL_BUILT.filter(({ by }) => has(looked, folder, by)).flatMap(({ built }) =>
      built.map((glob) => placed(folder, glob)),
    ),
  );
  const ofStacks = found.flatMap(({ stack, folder }) => [
    ...stack.built.map((glob) => placed(folder, glob)),
    ...elsewhere(looked, stack, folder),
  ]);
  const ofBuilds = packages
    .filter((folder) => hasBuild(looked, folder))
    .flatMap((folder) => ['dist', 'build'].map((name) => below(folder, name)))
    .filter((path) => isIgnored(looked, path))
    .map((path) => `${path}/**`);
  const environments = looked.files
    .filter((path) => nameOf(path) === 'pyvenv.cfg' && folderOf(path) !== '')
    .map((path) => `${folderOf(path)}/**`);
  return [...new Set(['node_modules', ...usual, ...ofStacks, ...ofBuilds, ...environments])];
}

/** A name without a slash holds at any depth, wherever it was found. */
function placed(folder: string, glob: string): string {
  return glob.includes('/') ? below(folder, glob) : glob;
}

function elsewhere(looked: LookedAt, { builtInto }: Stack, folder: string): string[] {
  if (builtInto === undefined) return [];
  const prefix = folder === '' ? '' : `${folder}/`;
  return [...looked.texts]
    .filter(([path]) => path.startsWith(prefix) && builtInto.files.test(path.slice(prefix.length)))
    .map(([, text]) => builtInto.pattern.exec(text)?.[1] ?? '')
    .map((path) => path.replace(/^(?:\.\/)+/, '').replace(/\/+$/, ''))
    .filter((path) => path !== '' && !path.split('/').some((part) => /^\.*$/.test(part)))
    .map((path) => below(folder, path))
    .filter((path) => isIgnored(looked, path))
    .map((path) => `${path}/**`);
}

function hasBuild(looked: LookedAt, folder: string): boolean {
  return Object.hasOwn(recordOf(objectAt(looked, folder, 'package.json')['scripts']), 'build');
}

/** Whether a .gitignore at the top or in a folder on the way names `path`; what only a pattern says does not count. */
function isIgnored(looked: LookedAt, path: string): boolean {
  const parts = path.split('/');
  return parts.some((_, at) => {
    const text = textAt(looked, parts.slice(0, at).join('/'), '.gitignore') ?? '';
    const rest = parts.slice(at).join('/');
    return text.split(/\r?\n/).some((line) => {
      const named = line.trim().replace(/\/$/, '');
      return (
        named === rest ||
        named === `/${rest}` ||
        named === nameOf(path) ||
        named === `**/${nameOf(path)}`
      );
    });
  });
}

function leavesOut(glob: string, path: string): boolean {
  const place = glob.replace(/\/\*\*$/, '');
  if (!glob.includes('/')) return path.split('/').includes(glob);
  return path === place || path.startsWith(`${place}/`);
}
