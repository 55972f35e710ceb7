// Where the demonstration takes place: a temporary folder with a store, a key that nobody keeps, and the engine that commands use.
import { generateKeyPairSync } from 'node:crypto';
import path from 'node:path';
import process from 'node:process';
import { Pool } from '../lib/archive/threads/pool.ts';
import type { Engine } from '../lib/engine/engine.ts';
import { keyIdOf, localSigner } from '../lib/format/signed.ts';
import { filesSource, type FilesOptions } from '../lib/sources/files/source.ts';
import type { Source } from '../lib/sources/source.ts';
import { openLocalStore } from '../lib/stores/folder/store.ts';
import type { Store } from '../lib/stores/store.ts';
import { VERSION } from '../lib/version.ts';
import { randomName } from '../lib/wiring/machine.ts';
import { kindsFor } from '../lib/cli/kinds.ts';
import type { Story } from './story.ts';

/** What an installation or a build makes again, and the history of git: left out at any depth. */
export const LEFT_OUT = ['.git', 'node_modules', '.next', 'dist', 'coverage', 'cdk.out'] as const;

export const SOURCE = 'site';

/** Everything, read back and compared, and no command afterwards. */
export const PLAIN_RESTORE = {
  paths: [],
  owners: 'aside',
  verify: true,
  skipDamaged: false,
  commands: [],
  environment: {},
} as const;

export interface Stage {
  readonly engine: Engine;
  /** The folder that is backed up; only ever read. */
  readonly root: string;
  readonly source: Source;
  /** The temporary folder; everything that is written is below it. */
  readonly work: string;
  readonly story: Story;
}

interface StageOptions {
  readonly root: string;
  readonly work: string;
  readonly signal: AbortSignal;
  readonly story: Story;
}

/** Sets the stage. The caller closes the engine's pool and removes the temporary folder. */
export async function setStage({ root, work, signal, story }: StageOptions): Promise<Stage> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const engine: Engine = {
    system: 'demonstration',
    store: await openFolder(path.join(work, 'store')),
    kinds: kindsFor(undefined),
    signer: localSigner(privateKey),
    trusted: [
      {
        name: 'temporary key',
        keyId: keyIdOf(publicKey),
        publicKey,
        prefixes: ['backups/', 'records/'],
      },
    ],
    trustAnyone: false,
    who: 'demonstration',
    pool: new Pool(),
    signal,
    onProgress: undefined,
    scratch: work,
    versions: { holdfast: VERSION, node: process.versions.node },
    now: () => new Date(),
    random: randomName,
  };
  return { engine, root, work, story, source: folderSource(root, work, LEFT_OUT) };
}

/** A folder as a source; what lies below `work` is never part of it. */
export function folderSource(folder: string, work: string, exclude: readonly string[]): Source {
  const options: FilesOptions = {
    name: SOURCE,
    path: folder,
    include: ['**'],
    exclude,
    gitignore: false,
    secrets: 'exclude',
    oneFileSystem: false,
    tolerate: [],
    allowEmpty: false,
    times: 'recorded',
    compression: 'default',
  };
  return filesSource(options, { leaveOut: [work], git: { environment: process.env } });
}

export async function openFolder(folder: string): Promise<Store> {
  return openLocalStore(folder, { random: randomName });
}
