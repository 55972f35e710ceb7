// Where this run stands: which machine, which folder, which repository. What changes from run to run is left out.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { repositoryOf, type Place } from '../format/place.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const CI = [
  'GITHUB_ACTIONS',
  'GITLAB_CI',
  'BUILDKITE',
  'JENKINS_URL',
  'TF_BUILD',
  'CODEBUILD_BUILD_ID',
  'BITBUCKET_BUILD_NUMBER',
  'TEAMCITY_VERSION',
  'CIRCLECI',
] as const;

/** The place of `folder` on this machine. Asks nobody; what cannot be known is absent. */
export async function placeHere(folder: string): Promise<Place> {
  const real = realOf(folder);
  return placeFrom({
    path: real,
    remote: remoteOf(real),
    environment: process.env,
    mounts: textOf('/proc/self/mountinfo') ?? '',
    host: os.hostname(),
    machine: await machineId(),
    inContainer: isContainer(process.env),
  });
}

export interface Seen {
  /** With links followed. */
  readonly path: string;
  readonly remote: string | undefined;
  readonly environment: Environment;
  /** `/proc/self/mountinfo`, or nothing. */
  readonly mounts: string;
  readonly host: string;
  readonly machine: string | undefined;
  readonly inContainer: boolean;
}

/** What of all that was seen tells one site from another. */
export function placeFrom(seen: Seen): Place {
  const { environment, host, machine } = seen;
  const inCi =
    CI.some((name) => (environment[name] ?? '') !== '') ||
    /^(1|true)$/i.test(environment['CI'] ?? '');
  const remote = seen.remote ?? (inCi ? remoteIn(environment) : undefined);
  const repository = remote === undefined ? {} : { remote };
  if (inCi) return repository;
  const shared = networkPath(seen.path, seen.mounts);
  if (shared !== undefined) return { path: shared, ...repository };
  if (seen.inContainer) return { path: seen.path, ...repository };
  return {
    // Without an id of the machine a Mac is left its path: its name follows the network.
    ...((machine !== undefined || process.platform !== 'darwin') && { host }),
    ...(machine !== undefined && { machine }),
    path: seen.path,
    ...repository,
  };
}

function remoteIn(environment: Environment): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name, CI_PROJECT_URL: url } = environment;
  if (server !== undefined && name !== undefined) return repositoryOf(`${server}/${name}`);
  return url === undefined ? undefined : repositoryOf(url);
}

const NETWORK =
  /^(nfs4?|cifs|smb3|smbfs|ceph|glusterfs|fuse\.glusterfs|fuse\.sshfs|lustre|9p|virtiofs)$/;

/** On a network file system: the server's name for the path, which is the same on every machine that mounts it. */
export function networkPath(folder: string, mounts: string): string | undefined {
  // If two mounts are at one point, the later one is on top.
  const mount = mounts
    .split('\n')
    .map(mountIn)
    .filter(({ point }) => holds(point, folder))
    .reduce<Mount | undefined>(
      (best, one) => (best !== undefined && one.point.length < best.point.length ? best : one),
      undefined,
    );
  if (mount === undefined || !NETWORK.test(mount.type)) return undefined;
  const below = path.join(mount.root, path.relative(mount.point, folder));
  // sshfs names a user, and others may: nobody needs to know it.
  return `${mount.device.replace(/^[^/@]*@/, '')}${below === '/' ? '' : below}`;
}

interface Mount {
  /** What of the file system is mounted. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly device: string;
}

function mountIn(line: string): Mount {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root = '', point = ''] = before.split(' ').map(unescaped);
  const [type = '', device = ''] = after.split(' ').map(unescaped);
  return { root, point, type, device };
}

function holds(point: string, folder: string): boolean {
  if (point === '') return false;
  return folder === point || folder.startsWith(point === '/' ? '/' : `${point}/`);
}

function unescaped(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 8)),
  );
}

/** The name of a container, and what it takes for its machine, may be new with each run. */
function isContainer(environment: Environment): boolean {
  return (
    existsSync('/.dockerenv') ||
    existsSync('/run/.containerenv') ||
    environment['KUBERNETES_SERVICE_HOST'] !== undefined ||
    environment['ECS_CONTAINER_METADATA_URI_V4'] !== undefined ||
    /^(docker|podman|oci)$/.test(environment['container'] ?? '')
  );
}

/** A digest of what the system calls this machine, as that itself is nobody's business; it stays when the host is renamed. */
async function machineId(): Promise<string | undefined> {
  const id =
    process.platform === 'darwin'
      ? await hardwareId()
      : (textOf('/etc/machine-id') ?? textOf('/var/lib/dbus/machine-id'))?.trim();
  if (id === undefined || !/^[0-9a-f-]{16,64}$/i.test(id)) return undefined;
  return createHash('sha256').update(`holdfast machine ${id}`).digest('hex').slice(0, 32);
}

async function hardwareId(): Promise<string | undefined> {
  try {
    const args = ['-rd1', '-c', 'IOPlatformExpertDevice'];
    const { stdout } = await promisify(execFile)('/usr/sbin/ioreg', args, { timeout: 2000 });
    return /"IOPlatformUUID" = "([^"]+)"/.exec(stdout)?.[1];
  } catch {
    // Then the path has to do.
    return undefined;
  }
}

/** The repository that the working tree around `folder` comes from: its remote `origin`, or else its first one. */
export function remoteOf(folder: string): string | undefined {
  for (let at = folder; ; at = path.dirname(at)) {
    const git = path.join(at, '.git');
    if (existsSync(git)) {
      const text = textOf(path.join(repositoryAt(git), 'config'));
      const url = text === undefined ? undefined : urlIn(text);
      return url === undefined ? undefined : repositoryOf(url);
    }
    if (at === path.dirname(at)) return undefined;
  }
}

/** The folder of the settings: of a worktree or a submodule `.git` is a file that leads there. */
function repositoryAt(git: string): string {
  if (statSync(git).isDirectory()) return git;
  const [, named = ''] = /^gitdir: (.+)$/m.exec(textOf(git) ?? '') ?? [];
  const folder = path.resolve(path.dirname(git), named.trim());
  const common = textOf(path.join(folder, 'commondir'))?.trim();
  return common === undefined ? folder : path.resolve(folder, common);
}

function urlIn(config: string): string | undefined {
  const urls = new Map<string, string>();
  let remote: string | undefined;
  for (const line of config.split('\n')) {
    const section = /^\s*\[\s*(\w+)\s*(?:"(.*)")?\s*\]/.exec(line);
    if (section !== null) remote = section[1] === 'remote' ? section[2] : undefined;
    const [, url] = /^\s*url\s*=\s*"?(.*?)"?\s*$/.exec(line) ?? [];
    if (remote !== undefined && url !== undefined && !urls.has(remote)) urls.set(remote, url);
  }
  return urls.get('origin') ?? urls.values().next().value;
}

function realOf(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return folder;
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return undefined;
  }
}
