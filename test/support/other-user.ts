// A site and a store for an ordinary user of this machine, and the command line as that user runs it.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { CACHE, PROGRAM } from './program.ts';

export const isRoot = process.getuid?.() === 0;

/** Who a command is run by: numbers that need no entry in any list of users. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly groups?: readonly number[];
}

/** Who runs the tests, or, where that is root, somebody who owns nothing else here. */
export const PLAIN: User = isRoot
  ? { uid: 54_321, gid: 54_322 }
  : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

export interface Said {
  readonly exit: number | null;
  readonly text: string;
}

/** A folder with `site`, `home` and `tmp` in it that `owner` owns; the store is beside the site. */
export class Premises implements Disposable {
  readonly root: string;
  readonly site: string;
  readonly tmp: string;
  readonly owner: User;

  constructor(owner: User) {
    this.owner = owner;
    this.root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-premises-')));
    fs.chmodSync(this.root, 0o755);
    this.site = this.at('site');
    this.tmp = this.at('tmp');
    for (const one of [this.site, this.tmp, this.at('home')]) fs.mkdirSync(one);
    this.give(this.root);
  }

  at(name: string): string {
    return path.join(this.root, name);
  }

  /** Writes files below the site; names that end in `/` become folders. All of it belongs to the owner then. */
  plant(files: Readonly<Record<string, string>>): void {
    for (const [name, content] of Object.entries(files)) {
      const at = path.join(this.site, name);
      fs.mkdirSync(name.endsWith('/') ? at : path.dirname(at), { recursive: true });
      if (!name.endsWith('/')) fs.writeFileSync(at, content);
    }
    this.give(this.site);
  }

  private give(folder: string): void {
    if (!isRoot) return;
    fs.lchownSync(folder, this.owner.uid, this.owner.gid);
    if (!fs.lstatSync(folder).isDirectory()) return;
    for (const name of fs.readdirSync(folder)) this.give(path.join(folder, name));
  }

  /** Sets up the store and the configuration, and makes a first backup. */
  backUp(as: User = this.owner): void {
    for (const args of [
      ['init', '--store', '../store'],
      ['backup', 'site'],
    ]) {
      const { exit, text } = this.run(args, { as });
      if (exit !== 0) throw new Error(`${args.join(' ')} ends with ${exit}: ${text}`);
    }
  }

  /** Runs `holdfast` in the site. */
  run(
    args: readonly string[],
    { as = this.owner, env = {} }: { as?: User; env?: Readonly<Record<string, string>> } = {},
  ): Said {
    return this.command([process.execPath, PROGRAM, ...args], as, env);
  }

  /** Runs any command in the site as `user`. */
  command(
    command: readonly string[],
    user: User = this.owner,
    more: Readonly<Record<string, string>> = {},
  ): Said {
    const { uid, gid, groups = [] } = user;
    const grouped = groups.length === 0 ? ['--clear-groups'] : ['--groups', groups.join(',')];
    const drop =
      isRoot && uid !== 0
        ? ['setpriv', '--reuid', String(uid), '--regid', String(gid), ...grouped, '--']
        : [];
    const [program = '', ...args] = [...drop, ...command];
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: this.at('home'),
      TMPDIR: this.tmp,
      XDG_CACHE_HOME: CACHE,
      ...more,
    };
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: this.site, env });
    return { exit: status, text: `${stdout.toString()}${stderr.toString()}` };
  }

  /** `mode owner:group` of a path in the site. */
  facts(name: string): string {
    const { mode, uid, gid } = fs.lstatSync(path.join(this.site, name));
    return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
  }

  read(name: string): string {
    return fs.readFileSync(path.join(this.site, name), 'utf8');
  }

  [Symbol.dispose](): void {
    spawnSync('chmod', ['-R', 'u+rwx', this.root]);
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}
