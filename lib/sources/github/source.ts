// The source kind `github`: a repository at a commit, as GitHub's archive of it, checked against the commit's own tree.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { HoldfastError, type Problem } from '../../errors.ts';
import type { GitState } from '../../format/manifest.ts';
import type { SourceEntry } from '../../archive/write/plan.ts';
import { isOwnPath } from '../../format/own-paths.ts';
import { displayPath, fsPath } from '../../format/paths.ts';
import { archiveTree, cloneTree } from '../tree/archive-tree.ts';
import { OddKeys } from '../tree/odd-keys.ts';
import { ENCODINGS, type Compression } from '../tree/encodings.ts';
import { archiveKind } from '../tree/kind.ts';
import { downloadFromGithub, type GithubPlace } from './client.ts';
import { resolveCommit, treeOf, type CommitTree } from './commit.ts';
import { spool, type Spooled } from './spool.ts';
import { KeyTree } from '../tree/key-tree.ts';
import { folderEntry } from '../tree/keyed-entries.ts';
import { isPointer, mayBePointer } from '../git/lfs.ts';
import { createSelector, isTaken, type Selector } from '../tree/select.ts';
import type { ReadInput, ReadResult, Source, SourceKind } from '../source.ts';
import { tolerate } from '../tree/tolerate.ts';

/** Which repository is protected, and how it is kept; as configured. */
export interface GithubOptions {
  readonly name: string;
  /** `owner/name` */
  readonly repository: string;
  /** A branch, a tag or a commit; undefined for the default branch. */
  readonly ref: string | undefined;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly tolerate: readonly string[];
  readonly allowEmpty: boolean;
  readonly compression: Compression;
  /** Where the REST API is; without a slash at the end. */
  readonly api: string;
}

export interface GithubSurroundings {
  /** The token, asked for once a run; undefined for a public repository. */
  readonly token: () => Promise<string | undefined>;
  /** A folder with room for the files of the repository while they are archived; absolute. */
  readonly scratch: string;
  /**
   * How long an answer may take.
   * @default 30 seconds
   */
  readonly stallMs?: number;
}

export const githubKind: SourceKind = archiveKind('github');

export function githubSource(options: GithubOptions, surroundings: GithubSurroundings): Source {
  return {
    name: options.name,
    kind: githubKind,
    read: (input) => readRepository(options, surroundings, input),
  };
}

async function readRepository(
  options: GithubOptions,
  surroundings: GithubSurroundings,
  input: ReadInput,
): Promise<ReadResult> {
  const { repository, api } = options;
  const { stallMs } = surroundings;
  const token = await surroundings.token();
  const place = { repository, api, token, signal: input.signal, stallMs };
  const git = await resolveCommit(place, options.ref);
  const tree = { encoding: ENCODINGS[options.compression], times: 'content' } as const;
  const selection = fingerprint(options);
  const before = input.predecessor?.manifest;
  const same = before?.git?.commit === git.commit && before.options['selection'] === selection;
  const cloned = same ? await cloneTree(input, tree) : undefined;
  const stored =
    cloned ?? (await downloadAndArchive({ options, surroundings, place, git, input, tree }));
  return {
    ...stored,
    options: { ...stored.options, selection },
    problems: tolerate(stored.problems, options.tolerate),
    git,
    package: undefined,
  };
}

/** What the archive of a commit depends on besides the commit. */
function fingerprint({ repository, include, exclude }: GithubOptions): string {
  const text = JSON.stringify([repository, include, exclude]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

interface Download {
  readonly options: GithubOptions;
  readonly surroundings: GithubSurroundings;
  readonly place: GithubPlace;
  readonly git: GitState;
  readonly input: ReadInput;
  readonly tree: Pick<Parameters<typeof archiveTree>[1], 'encoding' | 'times'>;
}

async function downloadAndArchive({ options, surroundings, place, git, input, tree }: Download) {
  const scratch = fs.mkdtempSync(path.join(surroundings.scratch, 'holdfast-github-'));
  try {
    const selector = createSelector(options);
    const spooled = await downloadFromGithub(place, `/tarball/${git.commit}`, (body) =>
      spool(body, {
        folder: path.join(scratch, 'content'),
        commit: git.commit,
        wants: (one) => isTaken(selector, one, false),
      }),
    );
    const problems = differences(spooled, await treeOf(place, git.commit), selector);
    const entries = inOrder(spooled, selector, problems);
    const stored = await archiveTree(input, { ...tree, entries });
    if (stored.totals.files === 0 && !options.allowEmpty) {
      throw new HoldfastError('SOURCE_UNREADABLE', `the source "${options.name}" holds no file`, {
        hint: 'Do `include` and `exclude` leave anything? If an empty source is fine, set `allowEmpty: true`.',
      });
    }
    return { ...stored, problems: [...problems, ...stored.problems] };
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/** The entries in the order of an archive, with the folders that they imply. */
function inOrder(
  spooled: readonly Spooled[],
  selector: Selector,
  problems: Problem[],
): SourceEntry[] {
  const kept = spooled
    .map(({ entry }) => entry)
    .filter((entry) => !isOwnPath(entry.path))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { entry } of spooled) {
    if (!isOwnPath(entry.path)) continue;
    const detail = 'this name is kept for what an archive says of itself';
    problems.push({ path: displayPath(entry.path), code: 'skipped', detail, tolerated: true });
  }
  const odd = new OddKeys<SourceEntry>();
  kept.forEach((entry, i) => {
    if (entry.path === kept[i - 1]?.path) throw twice(entry.path);
    odd.add(entry.path, entry.size, entry);
  });
  const [clash] = odd.sorted();
  if (clash !== undefined) throw twice(clash.key);
  const folders = new KeyTree(selector);
  const entries = kept.flatMap((entry) =>
    folders.next(entry.path).map((one) => (one === entry.path ? entry : folderEntry(one))),
  );
  for (const missing of folders.explicitMissing) {
    const detail = 'the configuration names it, and it is not there';
    problems.push({ path: missing, code: 'vanished', detail });
  }
  return entries;
}

function twice(name: string): HoldfastError {
  return new HoldfastError(
    'SOURCE_UNREADABLE',
    `the archive of the repository holds "${displayPath(name)}" twice, or as no file can be called`,
  );
}

/** What the archive has otherwise than the commit, which attributes can have it do, and what a commit itself only points to. */
function differences(
  spooled: readonly Spooled[],
  tree: CommitTree | undefined,
  selector: Selector,
): Problem[] {
  const problems: Problem[] = [];
  const say = (entryPath: string, code: string, detail: string, tolerated?: true) =>
    problems.push({ path: displayPath(entryPath), code, detail, ...(tolerated && { tolerated }) });
  for (const { entry } of spooled) {
    if (holdsPointer(entry)) {
      say(entry.path, 'lfs-pointer', 'is kept by Git LFS: the backup holds its pointer alone');
    }
  }
  if (tree === undefined) {
    say(
      '',
      'unchecked',
      'the commit has too many files to be compared with the archive of it',
      true,
    );
    return problems;
  }
  const found = new Map(spooled.map(({ entry, blob }) => [entry.path, blob]));
  for (const { path: name, type, sha } of tree) {
    if (!isTaken(selector, name, type === 'commit')) continue;
    if (type === 'commit') {
      say(name, 'submodule', 'is another repository: give it a source of its own', true);
      continue;
    }
    const blob = found.get(name);
    if (blob === undefined) {
      say(
        name,
        'missing',
        'GitHub leaves it out of the archive: `export-ignore` in .gitattributes',
      );
    } else if (blob !== sha) {
      say(
        name,
        'changed',
        'GitHub gives other content than the commit has: `export-subst`, or a filter',
      );
    }
  }
  return problems;
}

function holdsPointer({ type, size, readPath }: SourceEntry): boolean {
  if (type !== 'file' || readPath === undefined || !mayBePointer(size)) return false;
  return isPointer(fs.readFileSync(fsPath(readPath)));
}
