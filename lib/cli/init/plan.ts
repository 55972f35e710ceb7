// What `holdfast init` is going to write, decided before anything is written, so that a refusal leaves nothing behind.
import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../../config/config.ts';
import { checkText } from '../../config/rules/check.ts';
import { detectFolder, type FoundFolder } from '../../config/init/detect.ts';
import { keyFolder, readOrMakeKey, type KeyFiles } from '../../config/load/key-files.ts';
import { configError } from '../../config/load/load.ts';
import { CONFIG_NAMES } from '../../config/places.ts';
import { BACKUP_SCRIPTS, withScripts, type WithScripts } from '../../config/init/npm-scripts.ts';
import { isWithin } from '../../config/places.ts';
import {
  readKnownStores,
  storeRecordBeside,
  type KnownStore,
} from '../../config/load/store-record.ts';
import { prefixesOfKey, starterConfig } from '../../config/init/starter.ts';
import { withTrusted, type TrustedEntry } from '../../config/init/trust-text.ts';
import { planDatabaseFile, type DatabaseFile } from './database-file.ts';
import { isStoreOf, servedRemark, storeHere, storeOnAws } from './store.ts';
import { textOf } from './read.ts';
import type { InitInput } from './input.ts';
import { secretsLeftOut } from './secrets.ts';
import { formerOf, lostKeyIn } from '../new-key.ts';
import { HoldfastError } from '../../errors.ts';
import { NAME_PATTERN } from '../../format/layout.ts';
import { appAround, isInstalled } from '../stack/cdk.ts';

/** A text file that is new, or gets a new content. */
export interface PlannedFile {
  readonly path: string;
  readonly change: 'create' | 'add to';
  /** In words that complete "create …: " */
  readonly about: string;
  readonly text: string;
}

export interface InitPlan {
  readonly folder: string;
  readonly found: FoundFolder;
  readonly key: KeyFiles;
  /** The key that this system had before, where its private half is lost. */
  readonly formerKey: FormerKey | undefined;
  /** The absolute path of a folder, or a URL. */
  readonly store: string;
  /** True for a store on AWS, which the stack makes. */
  readonly onAws: boolean;
  /** The cdk.json of the app in which this folder is, where the construct belongs into that; undefined elsewhere. */
  readonly cdkApp: string | undefined;
  /** Whether npm has installed Holdfast in the folder or above it: only there `npx holdfast` asks no registry. */
  readonly installed: boolean;
  /** True when nobody named the store, and it lies outside of the site because that is what a web server serves. */
  readonly storeOutside: boolean;
  /** True when the store is to be made; false when it is there, or the stack makes it. */
  readonly storeMade: boolean;
  /** Stores of this system that were written to from here. */
  readonly known: readonly KnownStore[];
  readonly files: readonly PlannedFile[];
  readonly scripts: Pick<WithScripts, 'added' | 'kept'>;
  /** Where the URL of a database goes that the site keeps in parts. */
  readonly databaseFile: DatabaseFile | undefined;
  /** Files of the site that backups leave out, because they hold secrets. */
  readonly secrets: readonly string[];
  /** What the user should know before relying on it. */
  readonly remarks: readonly string[];
}

/**
 * Looks at the folder and decides. Writes nothing.
 *
 * `USAGE` when there is a configuration already, no such folder, or no package.json for scripts; `CONFIG_INVALID` when the
 * configuration would have faults, such as a store that holds the site, or the key's file holds no key.
 */
export async function planInit(input: InitInput): Promise<InitPlan> {
  const folder = await existingFolder(input.folder);
  await assertNoConfig(folder, input);
  const home = await realpath(input.home).catch(() => input.home);
  const found = named(await detectFolder(folder, input.env), input.system);
  const onAws = input.aws !== undefined;
  const store = onAws
    ? storeOnAws(input, found.system)
    : await storeHere(input, { folder, system: found.system });
  const keyFile = path.join(keyFolder(home, input.env), `${found.system}.key`);
  const known = await readKnownStores(storeRecordBeside(keyFile, found.system));
  await assertOneSite(known, folder, found.system);
  const key = await readOrMakeKey(keyFile);
  const formerKey = await formerKeyOf(key, { system: found.system, onAws, input });
  const keys = path.dirname(keyFile);
  const databaseFile = await planDatabaseFile(found, { folder, keys, onAws });
  const decided = { folder, home, found, store, key, formerKey, databaseFile };
  const { file, config } = configFile(input, decided);
  const scripts = input.scripts ? await scriptsFile(folder) : undefined;
  const ignored = await ignoreFile(folder, store);
  return {
    folder,
    found,
    key,
    formerKey,
    store,
    onAws,
    cdkApp: onAws ? appAround(folder) : undefined,
    installed: isInstalled(folder),
    known,
    storeOutside: !onAws && input.store === undefined && !isWithin(store, folder),
    storeMade: !onAws && !(await isStoreOf(store, found.system)),
    files: [file, ignored?.file, scripts?.file].filter((file) => file !== undefined),
    scripts: scripts ?? { added: [], kept: [] },
    databaseFile,
    secrets: secretsLeftOut(config),
    remarks: [...(ignored === undefined ? [] : [ignored.remark]), ...(await servedRemark(store))],
  };
}

function named(found: FoundFolder, system: string | undefined): FoundFolder {
  if (system === undefined) return found;
  if (NAME_PATTERN.test(system)) return { ...found, system };
  throw new HoldfastError('USAGE', `--system ${JSON.stringify(system)} is no name of a system`, {
    hint: 'Give 1 to 63 of a-z, 0-9 and -, with no - at either end.',
  });
}

/** Throws `USAGE` when another folder of this machine is set up as the same system: the two would share its key and its backups. */
async function assertOneSite(
  known: readonly KnownStore[],
  folder: string,
  system: string,
): Promise<void> {
  for (const config of new Set(known.map((one) => one.config))) {
    if (path.dirname(config) === folder || !(await isOfSystem(config, system))) continue;
    throw new HoldfastError(
      'USAGE',
      `the system "${system}" is set up already, for another folder: ${config}`,
      {
        hint: `Give this one another name, and a store of its own: \`holdfast init --system ${system}-2 --store PLACE\`. If the site was moved from there, move its holdfast.yaml along.`,
      },
    );
  }
}

async function isOfSystem(config: string, system: string): Promise<boolean> {
  const text = await textOf(config);
  return (
    text?.split('\n').some((line) => /^system:\s*['"]?([\w-]+)/.exec(line)?.[1] === system) ?? false
  );
}

async function existingFolder(folder: string): Promise<string> {
  try {
    const real = await realpath(folder);
    await access(`${real}/`, constants.R_OK | constants.X_OK);
    return real;
  } catch (cause) {
    throw new HoldfastError('USAGE', `${folder} is no folder that can be read`, {
      hint: 'Name the folder of the site, or run `holdfast init` in it.',
      cause,
    });
  }
}

async function assertNoConfig(folder: string, here: { home: string; now: Date }): Promise<void> {
  for (const name of CONFIG_NAMES) {
    const file = path.join(folder, name);
    if ((await textOf(file)) === undefined) continue;
    const lost = await lostKeyIn(file, here);
    if (lost !== undefined) {
      throw new HoldfastError('USAGE', `${file} exists already, and its key does not: ${lost}`, {
        hint: 'Copy the key there from where you keep it. If it is lost, `holdfast init --new-key` makes a new one and adds it to `trust`; what the lost key signed still counts.',
      });
    }
    throw new HoldfastError('USAGE', `${file} exists already`, {
      hint: 'To change where backups go, edit `store` in it and run `holdfast backup --create-store` once. To start over, move the file away.',
    });
  }
}

/** A key that has only its public half left. */
export interface FormerKey {
  readonly entry: TrustedEntry;
  /** Where its public half is kept from now on. */
  readonly keptAs: string;
}

/** Throws `CONFIG_INVALID` where the private half of the key is lost and nobody has asked for a new one. */
async function formerKeyOf(
  key: KeyFiles,
  { system, onAws, input }: { system: string; onAws: boolean; input: InitInput },
): Promise<FormerKey | undefined> {
  const former = await formerOf(key, { system, prefixes: prefixesOfKey(onAws, ['site']) });
  if (former === undefined || input.newKey) {
    if (former === undefined) return undefined;
    const { keptAs, ...entry } = former;
    return { entry, keptAs };
  }
  throw new HoldfastError(
    'CONFIG_INVALID',
    `the key ${key.path} is lost: only its public half is there, ${key.publicPath}`,
    {
      hint: 'Copy the key there from where you keep it. Otherwise `holdfast init --new-key` makes a new one; what the lost key signed still counts.',
    },
  );
}

interface Decided {
  readonly folder: string;
  readonly home: string;
  readonly found: FoundFolder;
  readonly store: string;
  readonly key: KeyFiles;
  readonly formerKey: FormerKey | undefined;
  readonly databaseFile: DatabaseFile | undefined;
}

function configFile(input: InitInput, decided: Decided): { file: PlannedFile; config: Config } {
  const { folder, home, found, store, key, formerKey, databaseFile } = decided;
  const fromHome = (one: string) =>
    home !== '' && isWithin(one, home) ? `~/${path.relative(home, one)}` : one;
  const file = path.join(folder, 'holdfast.yaml');
  const keysInside = isWithin(key.path, folder)
    ? path.relative(folder, path.dirname(key.path))
    : undefined;
  const starter = starterConfig(found, {
    system: found.system,
    onAws: input.aws !== undefined,
    store: isWithin(store, folder) ? `./${path.relative(folder, store)}` : store,
    keyPath: fromHome(key.path),
    databaseFile: databaseFile && fromHome(databaseFile.path),
    publicKey: key.publicKey,
    keyName: input.host,
    keysInside: keysInside === '' ? path.basename(key.path) : keysInside,
  });
  const text = formerKey === undefined ? starter : withTrusted(starter, formerKey.entry);
  const context = { file, shownAs: 'holdfast.yaml', folder, home, now: input.now };
  const { config, faults } = checkText(text, { ...context, override: undefined });
  if (config === undefined) throw configError('the holdfast.yaml that would be written', faults);
  const about = 'what is protected, and how';
  return { file: { path: file, change: 'create', about, text }, config };
}

async function scriptsFile(
  folder: string,
): Promise<{ file: PlannedFile | undefined } & Pick<WithScripts, 'added' | 'kept'>> {
  const file = path.join(folder, 'package.json');
  const before = await textOf(file);
  if (before === undefined) {
    throw new HoldfastError('USAGE', `--scripts needs a package.json, and ${folder} has none`, {
      hint: 'Run `holdfast init` without --scripts.',
    });
  }
  const { text, added, kept } = withScripts(before, BACKUP_SCRIPTS);
  if (added.length === 0) return { file: undefined, added, kept };
  const about = `the scripts ${added.join(', ')}`;
  return { file: { path: file, change: 'add to', about, text }, added, kept };
}

/** The .gitignore that keeps a store out of the repository in which it lies; undefined when it lies in none. */
async function ignoreFile(
  folder: string,
  store: string,
): Promise<{ file: PlannedFile | undefined; remark: string } | undefined> {
  const top = await repositoryOf(folder);
  if (top === undefined || !isWithin(store, top)) return undefined;
  const remark = `${store} lies in the working tree: a lost disk takes it along, and so does \`git clean -x\`. A folder on another disk is better.`;
  const where = isWithin(store, folder) ? folder : top;
  const file = path.join(where, '.gitignore');
  const name = path.relative(where, store).replace(/[\\*?[]/g, '\\$&');
  const before = (await textOf(file)) ?? '';
  const has = before
    .split(/\r?\n/)
    .some((line) => line.replace(/^\//, '').replace(/\/$/, '').trim() === name);
  if (has) return { file: undefined, remark };
  const eol = before.includes('\r\n') ? '\r\n' : '\n';
  const joint = before === '' || before.endsWith('\n') ? '' : eol;
  const text = `${before}${joint}${before === '' ? '' : eol}# The store of Holdfast${eol}/${name}/${eol}`;
  const about = `the store, ${name}`;
  return {
    file: { path: file, change: before === '' ? 'create' : 'add to', about, text },
    remark,
  };
}

async function repositoryOf(folder: string): Promise<string | undefined> {
  for (let at = folder; ; at = path.dirname(at)) {
    if ((await realpath(path.join(at, '.git')).catch(() => undefined)) !== undefined) return at;
    if (at === path.dirname(at)) return undefined;
  }
}
