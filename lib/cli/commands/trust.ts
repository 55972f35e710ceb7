// `holdfast trust`: the public keys of the functions, to be kept where no service of AWS is needed to have them.
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { stringify } from 'yaml';
import { stackKeys } from '../../config/load/stack-keys.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import type { TrustedKey } from '../../format/signed.ts';
import type { Invocation } from '../invocation.ts';
import { configOf, required } from '../session.ts';
import { Terminal } from '../output/terminal.ts';

export async function run(_: string[], { options }: Invocation<{ out?: string }>): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const config = required(configOf(options));
  if (config.aws === undefined) {
    throw new HoldfastError(
      'CONFIG_INVALID',
      `${config.file} has no \`aws\`, so no function signs`,
      {
        hint: 'The keys whose signatures count stand under `trust`.',
      },
    );
  }
  const { fetchStackKeys } = await import('../../wiring/stack-keys.ts');
  const { keys, refused } = await fetchStackKeys(stackKeys(config), config.aws.region);
  const trust = keys.map((key) => ({
    name: key.name,
    publicKey: key.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    prefixes: key.prefixes,
    ...(key.events && { events: key.events }),
  }));
  if (trust.length > 0) terminal.line(stringify({ trust }, { lineWidth: 0 }).trimEnd());
  const files = options.out === undefined ? [] : await writeKeys(keys, options.out);
  for (const file of files) terminal.note(`wrote ${file}`);
  for (const { error } of refused) terminal.warn(error.message);
  terminal.document({
    command: 'trust',
    trust,
    files,
    refused: refused.map(({ name, error }) => ({ name, code: error.code, message: error.message })),
  });
  const [first] = refused;
  return first === undefined ? 0 : ERRORS[first.error.code].exit;
}

/** One file a key, in PEM; what lies there already is kept when it is the same. */
async function writeKeys(keys: readonly TrustedKey[], out: string): Promise<string[]> {
  const folder = path.resolve(process.cwd(), out);
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (const { name, publicKey } of keys) {
    const file = path.join(folder, `${name}.pub`);
    await writeNew(file, String(publicKey.export({ type: 'spki', format: 'pem' })));
    files.push(file);
  }
  return files;
}

async function writeNew(file: string, text: string): Promise<void> {
  await using handle = await open(file, 'a+');
  const there = await handle.readFile('utf8');
  if (there === text) return;
  if (there !== '') {
    throw new HoldfastError('TARGET_REFUSED', `${file} holds another key`, {
      hint: 'Keep it when backups that it vouches for are still there; choose another folder.',
    });
  }
  await handle.writeFile(text);
}
