// What GitHub knows of a commit: which one a name means, and what it holds.
import { HoldfastError } from '../../errors.ts';
import type { GitState } from '../../format/manifest.ts';
import { fromUtf8 } from '../../format/paths.ts';
import { askGithub, type GithubPlace } from './client.ts';

/** The commit that `ref` names now, or the tip of the default branch. `SOURCE_UNREADABLE` when there is none. */
export async function resolveCommit(
  place: GithubPlace,
  ref: string | undefined,
): Promise<GitState> {
  const name = ref ?? (await defaultBranch(place));
  const accept = 'application/vnd.github.sha';
  const answer = await askGithub(place, `/commits/${encodeURIComponent(name)}`, { accept });
  const commit = answer?.trim() ?? '';
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(commit)) throw confused(place, 'names no commit');
  if (ref === undefined) return { commit, branch: name, dirty: false };
  if (name === commit) return { commit, dirty: false };
  if (await isRef(place, `heads/${name}`)) return { commit, branch: name, dirty: false };
  if (await isRef(place, `tags/${name}`)) return { commit, tag: name, dirty: false };
  return { commit, dirty: false };
}

async function defaultBranch(place: GithubPlace): Promise<string> {
  const branch = (parsed(place, await askGithub(place, '')) as { default_branch?: unknown })
    .default_branch;
  if (typeof branch !== 'string' || branch === '') throw confused(place, 'names no default branch');
  return branch;
}

async function isRef(place: GithubPlace, name: string): Promise<boolean> {
  const path = `/git/ref/${name.split('/').map(encodeURIComponent).join('/')}`;
  return (await askGithub(place, path, { absent: true })) !== undefined;
}

/** Files, links and submodules of a commit. */
export type CommitTree = readonly {
  /** A byte string. */
  readonly path: string;
  readonly type: 'blob' | 'commit';
  readonly sha: string;
}[];

/** All that a commit holds; undefined when that is more than GitHub tells at once. */
export async function treeOf(place: GithubPlace, commit: string): Promise<CommitTree | undefined> {
  const answer = parsed(place, await askGithub(place, `/git/trees/${commit}?recursive=1`));
  const { tree, truncated } = answer as { tree?: unknown; truncated?: unknown };
  if (truncated === true) return undefined;
  if (!Array.isArray(tree)) throw confused(place, 'tells no tree');
  return tree.flatMap((one: { path?: unknown; type?: unknown; sha?: unknown }) => {
    const { path, type, sha } = one;
    if (typeof path !== 'string' || typeof sha !== 'string') throw confused(place, 'tells no tree');
    return type === 'blob' || type === 'commit' ? [{ path: fromUtf8(path), type, sha }] : [];
  });
}

function parsed(place: GithubPlace, text: string | undefined): object {
  try {
    const value: unknown = JSON.parse(text ?? '');
    if (typeof value === 'object' && value !== null) return value;
  } catch (cause) {
    throw confused(place, 'answers with something else than JSON', cause);
  }
  throw confused(place, 'answers with something else than an object');
}

function confused({ repository, api }: GithubPlace, what: string, cause?: unknown): HoldfastError {
  return new HoldfastError(
    'SOURCE_UNREADABLE',
    `the repository ${repository} at ${new URL(api).host} ${what}`,
    { hint: 'Is `api` the address of the REST API?', ...(cause !== undefined && { cause }) },
  );
}
