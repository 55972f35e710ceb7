// Where a backup was made: this distinguishes two sites that have the same name. Pure.
import type { Manifest } from './manifest.ts';

/**
 * `path` is the folder, with its symbolic links followed; on a network file system `server:/export/…`. `host` and `machine` are absent
 * where they change from run to run, and in CI `path` is, too: there `remote` counts alone, the repository without any credential.
 */
export type Place = NonNullable<Manifest['place']>;

export type PlaceDifference = 'repository' | 'path' | 'machine';

/** How a backup's place differs from another; undefined when they are one, or when that cannot be known. */
export function placeDifference(before: Place, now: Place): PlaceDifference | undefined {
  if (before.path === undefined || now.path === undefined) {
    const known = before.remote !== undefined && now.remote !== undefined;
    return known && before.remote !== now.remote ? 'repository' : undefined;
  }
  if (settledPath(before.path) !== settledPath(now.path)) return 'path';
  return isOtherMachine(before, now) ? 'machine' : undefined;
}

/** Whether both places are known to be on different machines. A machine that was renamed is the same one. */
export function isOtherMachine(before: Place, now: Place): boolean {
  if (before.machine !== undefined && now.machine !== undefined)
    return before.machine !== now.machine;
  if (before.host === undefined || now.host === undefined) return false;
  return label(before.host) !== label(now.host);
}

/** Whether `now` is where someone looks at backups that are made elsewhere: on another machine, or only one of both is in CI. */
export function isElsewhere(before: Place, now: Place): boolean {
  return (before.path === undefined) !== (now.path === undefined) || isOtherMachine(before, now);
}

/** A place for people: `/srv/shop on web1`. */
export function placeText({ path, host, remote }: Place): string {
  if (path === undefined) return remote ?? 'an unknown place';
  return host === undefined ? path : `${path} on ${host}`;
}

const RELEASES = /^(releases|deploys|deployments|revisions|builds)$/;
const STAMP = /^(\d{8}([T_-]?\d{4,9}Z?)?|\d{10,17}|[0-9a-f]{40})$/i;

/** The path without what a deployment gives a new name each time: `/srv/shop/releases/20261101120000` */
function settledPath(path: string): string {
  const parts = path.split('/');
  return parts
    .map((part, i) => (RELEASES.test(parts[i - 1] ?? '') || STAMP.test(part) ? '*' : part))
    .join('/');
}

/** A laptop is `anna.local` at home and `anna.example.com` at work. */
function label(host: string): string {
  return (host.split('.')[0] ?? host).toLowerCase();
}

/**
 * A repository by its URL: `github.com/owner/name`, however it is reached, and without the user, password or token that the URL may
 * hold. Undefined for what is not a place.
 */
export function repositoryOf(url: string): string | undefined {
  const text = url.trim();
  const [, scpHost, scpPath] = /^(?:[^/@\s]+@)?([\w.-]{2,}):(?!\/\/)([^\s]+)$/.exec(text) ?? [];
  if (scpHost !== undefined && scpPath !== undefined) return tidy(`${scpHost}/${scpPath}`);
  if (text.startsWith('/')) return tidy(text);
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, pathname } = new URL(text);
  if (!/^(https?|ssh|git|file|git\+ssh):$/.test(protocol)) return undefined;
  return tidy(`${hostname}${pathname}`);
}

function tidy(text: string): string | undefined {
  const [path = ''] = text.split(/[?#]/);
  const name = path
    .replace(/\/+/g, '/')
    .replace(/\/$/, '')
    .replace(/\.git$/, '')
    .toLowerCase();
  return name === '' || name.length > 1024 ? undefined : name;
}
