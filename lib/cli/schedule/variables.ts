// How the secrets that a configuration names as variables reach a timer, which has no shell and reads no `.env`.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { parseEnv } from 'node:util';
import { errorCode, isAbsent } from '../../config/error-code.ts';
import { HoldfastError } from '../../errors.ts';
import type { Host } from './host.ts';
import { isRemote, type Config } from '../../config/config.ts';
import { isReference } from '../../config/places.ts';
import { CREDENTIAL_VARIABLES } from '../../aws/variables.ts';
import { aboutStore } from '../store/about.ts';

const GROUP_AND_OTHERS = 0o077;

/** The file with the variables of a system: beside its key. */
export function usualEnvFile(
  { keys }: Pick<Host, 'keys'>,
  { system }: Pick<Config, 'system'>,
): string {
  return path.join(keys, `${system}.env`);
}

/** The names in a file of variables; undefined when it does not exist. `STORE_DENIED` when others may read it, or we may not. */
export async function readEnvFile(file: string): Promise<Set<string> | undefined> {
  try {
    // Without O_NONBLOCK, a FIFO under this name would hold the run for ever.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const { mode } = await handle.stat();
    const own = (mode & 0o777).toString(8);
    if ((mode & GROUP_AND_OTHERS) !== 0)
      throw new HoldfastError(
        'STORE_DENIED',
        `${file} has mode ${own}: others may read the secrets in it; allowed: 600 or 400`,
        { hint: `Run: chmod 600 '${file}'` },
      );
    return new Set(Object.keys(parseEnv(await handle.readFile('utf8'))));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError(
      'STORE_DENIED',
      `${file} cannot be read (${errorCode(error) ?? 'unknown error'})`,
      { hint: 'It must be a file that the user of the timer may read.', cause: error },
    );
  }
}

/** The file that a timer reads, if any. `USAGE` when the one that was named does not exist. */
export async function chosenEnvFile(
  host: Host,
  config: Config,
  named: string | undefined,
): Promise<string | undefined> {
  const usual = usualEnvFile(host, config);
  const file = named === undefined ? usual : path.resolve(process.cwd(), named);
  if ((await readEnvFile(file)) !== undefined) return file;
  if (named === undefined) return undefined;
  throw new HoldfastError('USAGE', `--env-file names ${file}, which does not exist`, {
    hint: 'Write NAME=value into it, one a line, and give it mode 600.',
  });
}

/** The variables that what runs here needs and a timer would not have. */
export async function lackedBy(
  config: Config,
  { env }: Pick<Host, 'env'>,
  envFile: string | undefined,
): Promise<string[]> {
  const has = envFile === undefined ? undefined : await readEnvFile(envFile);
  return neededBy(config, env).filter((name) => has?.has(name) !== true);
}

/** What `env:` names anywhere in the configuration, and by what credentials are found here, of the store and where AWS is asked. */
function neededBy(config: Config, env: Host['env']): string[] {
  const names = new Set<string>();
  let needsAws = config.sources.some(isRemote);
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (!isReference(value)) Object.values(value).forEach(look);
    else if (value.scheme === 'env') names.add(value.name);
    else if (value.scheme !== 'file') needsAws = true;
  };
  look(config);
  const credentials = [
    ...aboutStore(config.store).variables,
    ...(needsAws ? CREDENTIAL_VARIABLES : []),
  ].filter((name) => (env[name] ?? '') !== '');
  return [...new Set([...names, ...credentials])].sort();
}
