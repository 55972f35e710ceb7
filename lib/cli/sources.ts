// From configured sources to what reads them. What a kind needs is loaded when a source of that kind is read.
import path from 'node:path';
import process from 'node:process';
import {
  isRemote,
  type Config,
  type FilesSourceConfig,
  type SourceConfig,
} from '../config/config.ts';
import { HoldfastError } from '../errors.ts';
import type { FilesSurroundings } from '../sources/files/source.ts';
import type { LiveSource, Source, SourcePlace } from '../sources/source.ts';
import { contextOf } from '../wiring/keys.ts';
import { openConfigured, type Openers } from '../wiring/openers.ts';
import { placeHere } from './this-place.ts';

/** The configured sources that are named, or all of them. `USAGE` for a name that no source has. */
export function selectSources(config: Config, names: readonly string[]): readonly SourceConfig[] {
  for (const name of names) {
    if (config.sources.some((source) => source.name === name)) continue;
    throw new HoldfastError('USAGE', `there is no source "${name}"`, {
      hint: `The sources of ${config.file} are ${config.sources.map((one) => one.name).join(', ')}.`,
    });
  }
  return config.sources.filter(({ name }) => names.length === 0 || names.includes(name));
}

/** The configured source `name`, for what can be done with a folder only. `USAGE` for one of another kind; `what` begins the message. */
export function filesSourceNamed(config: Config, name: string, what: string): FilesSourceConfig {
  const [source] = selectSources(config, [name]);
  if (source?.kind === 'files') return source;
  throw new HoldfastError(
    'USAGE',
    `${what} needs a folder; ${name} is a source of kind ${source?.kind ?? ''}`,
    {
      hint: 'Restore the backup to a folder with --to, and go on from there.',
    },
  );
}

/** What the configuration asks of a restored backup of that source. */
export function checksOf(config: Config | undefined, name: string): readonly string[] {
  const source = config?.sources.find((one) => one.name === name);
  return source?.kind === 'postgres' ? source.checks : [];
}

/** What reads a source. What AWS keeps is read with the credentials of the environment, and secrets wherever they are kept. */
export async function openSource(config: Config, source: SourceConfig): Promise<Source> {
  const openers: Openers = {
    files: (files) => openFolder(config, files),
    ...(source.kind === 'postgres' && (await databaseOpeners())),
    ...(isRemote(source) && (await import('../wiring/remote-sources.ts')).REMOTE_SOURCES),
  };
  const opened = await openConfigured(openers, source, contextOf(config));
  const place = await placeOf(config, source);
  return place === undefined ? opened : { ...opened, place };
}

async function databaseOpeners(): Promise<Openers> {
  const [{ openersOn }, { LOCAL_MACHINE }] = await Promise.all([
    import('../wiring/databases.ts'),
    import('./databases.ts'),
  ]);
  return openersOn(LOCAL_MACHINE);
}

/** Where a source stands: a folder where it is, a database where it is configured; what AWS or GitHub keep is the same from everywhere. */
export async function placeOf(
  config: Config,
  source: SourceConfig,
): Promise<SourcePlace | undefined> {
  if (source.kind === 'files') return { at: await placeHere(source.path), anywhere: false };
  if (source.kind !== 'postgres') return undefined;
  return { at: await placeHere(path.dirname(config.file)), anywhere: true };
}

/** What reads a folder, and compares backups with it. */
export async function openFolder(config: Config, source: FilesSourceConfig): Promise<LiveSource> {
  const { filesSource } = await import('../sources/files/source.ts');
  return filesSource(source, surroundingsOf(config));
}

/** What may lie in a source and is never part of it: the store. */
export function surroundingsOf(config: Config): FilesSurroundings {
  return { leaveOut: [config.store], git: { environment: process.env } };
}
