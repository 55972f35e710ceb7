// A whole system on disk, with keys, a configuration, a site and a store, and the command line as processes that can be killed.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { openLocalStore } from '../../lib/stores/folder/store.ts';
import type { Store } from '../../lib/stores/store.ts';
import { localSigner, type TrustedKey } from '../../lib/format/signed.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import { CACHE, PROGRAM } from './program.ts';
import { engineOn, makeKeys, trust, type Clock } from './engine.ts';

export interface StartOptions {
  /** Run in the same process before: `ulimit -n 64`. */
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Options of node itself. */
  readonly node?: readonly string[];
}

/** A command line that runs. */
export interface Running {
  readonly child: ChildProcess;
  /** When it has ended: how, and all that it said. */
  readonly ended: Promise<Ended>;
}

export interface Ended {
  /** The exit code; null when a signal ended it. */
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface System extends Disposable {
  readonly root: string;
  readonly site: string;
  /** The folder of the store. */
  readonly folder: string;
  readonly keyFile: string;
  readonly trusted: readonly TrustedKey[];
  start(args: readonly string[], options?: StartOptions): Running;
  run(args: readonly string[], options?: StartOptions): Promise<Ended>;
  /** Runs a command that must end well; the document that it prints with `--json`. */
  json<T = Record<string, unknown>>(args: readonly string[]): Promise<T>;
  openStore(): Promise<Store>;
  /** An engine in this process, with the keys of the system. */
  engine(clock: Clock): Promise<Engine>;
  /** Writes the configuration anew, with `more` for the source and below it. */
  configure(more: string): void;
}

export interface SystemSetup {
  /** Where the store is; beside the site unless given. */
  readonly folder?: string;
  /** Lines for the source `site`, indented by four. */
  readonly source?: string;
  readonly plant: (site: string) => void;
}

/** Makes a system in a folder of its own. */
export function makeSystem({ folder, source = '', plant }: SystemSetup): System {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-system-')));
  const [site, keyFile, home] = ['site', 'system.key', 'home'].map((name) => path.join(root, name));
  if (site === undefined || keyFile === undefined || home === undefined) throw new Error('no root');
  const store = folder ?? path.join(root, 'store');
  const keys = makeKeys();
  fs.mkdirSync(home);
  fs.writeFileSync(keyFile, keys.privateKey.export({ type: 'pkcs8', format: 'pem' }), {
    mode: 0o600,
  });
  plant(site);
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const configure = (more: string) => {
    fs.writeFileSync(
      path.join(root, 'holdfast.yaml'),
      configuration({ store, keyFile, spki, more }),
    );
  };
  configure(source);
  fs.mkdirSync(store, { recursive: true });
  fs.writeFileSync(path.join(store, 'holdfast.json'), '{"format":1,"system":"example"}\n');
  const start = (args: readonly string[], options: StartOptions = {}) =>
    launch({ root, home }, args, options);
  return {
    root,
    site,
    folder: store,
    keyFile,
    trusted: [trust(keys)],
    start,
    run: (args, options) => start(args, options).ended,
    json: async <T>(args: readonly string[]) => {
      const { exit, stdout, stderr } = await start([...args, '--json']).ended;
      if (exit !== 0) throw new Error(`${args.join(' ')} ended with ${exit}: ${stdout}${stderr}`);
      return JSON.parse(stdout) as T;
    },
    openStore: () => openLocalStore(store, { random: randomName }),
    engine: async (clock) =>
      engineOn(await openLocalStore(store, { random: randomName }), clock, {
        signer: localSigner(keys.privateKey),
        trusted: [trust(keys)],
        random: randomName,
      }),
    configure,
    [Symbol.dispose]: () => fs.rmSync(root, { recursive: true, force: true }),
  };
}

interface Written {
  readonly store: string;
  readonly keyFile: string;
  readonly spki: string;
  readonly more: string;
}

function configuration({ store, keyFile, spki, more }: Written): string {
  return [
    'version: 1',
    'system: example',
    `store: ${store}`,
    `signing: { key: 'file:${keyFile}' }`,
    `trust: [{ name: test, publicKey: '${spki}', prefixes: [backups/, records/] }]`,
    'sources:',
    '  site:',
    '    kind: files',
    '    path: ./site',
    more,
    '',
  ].join('\n');
}

let names = 0;

function randomName(): string {
  return `${process.pid.toString(16)}t${(names++).toString(16)}`.padStart(16, '0');
}

function launch(
  { root, home }: { root: string; home: string },
  args: readonly string[],
  { shell = ':', env = {}, node = [] }: StartOptions,
): Running {
  const command = [process.execPath, ...node, PROGRAM, ...args];
  const child = spawn('/bin/sh', ['-c', `${shell}; exec "$@"`, 'sh', ...command], {
    cwd: root,
    // Nothing of the user who runs the tests may decide how they end.
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      XDG_CACHE_HOME: CACHE,
      TMPDIR: root,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const ended = once(child, 'close').then(() => ({
    exit: child.exitCode,
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
  }));
  return { child, ended };
}
