// Holdfast itself, as it is shipped: the compiled program, a folder as store, a key of its own.
import { generateKeyPairSync } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Command } from '../measure.ts';
import { bucketFor, hasS3Server, newBucketFor, type BenchBucket } from './s3-server.ts';
import type { Operation, Place, Tool } from './tool.ts';

/** The program that is measured: the one in `dist`, unless the environment names another build. */
const PROGRAM =
  process.env['HOLDFAST_BENCH_PROGRAM'] ??
  path.join(import.meta.dirname, '..', '..', 'dist', 'holdfast.js');
const CONFIGURATION = 'holdfast.yaml';

// Both sources are the same folder: one records times, as by default, the other is for checkouts, where every time is new.
const SOURCE = 'tree';
const CHECKOUT_SOURCE = 'checkout';

interface Variant {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly compression: 'default' | 'zstd';
  /** Whether a backup and a restore read back what they wrote, as by default. */
  readonly verifies: boolean;
}

function configureTree(place: Place, variant: Variant, store?: string): void {
  const source = {
    kind: 'files',
    path: place.source,
    exclude: [],
    secrets: 'include',
    compression: variant.compression,
  };
  configure(place, { [SOURCE]: source, [CHECKOUT_SOURCE]: { ...source, times: 'content' } }, store);
}

/** Writes a configuration of `sources` with a key of its own into the tool's folder. */
export function configure(
  place: Place,
  sources: Readonly<Record<string, object>>,
  store = path.join(place.state, 'store'),
): void {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyFile = path.join(place.state, 'key.pem');
  const pem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' });
  fs.writeFileSync(keyFile, pem, { mode: 0o600 });
  const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const configuration = {
    version: 1,
    system: 'bench',
    store,
    signing: { key: `file:${keyFile}` },
    trust: [{ name: 'bench', publicKey, prefixes: ['backups/', 'records/'] }],
    sources,
  };
  // JSON is YAML.
  fs.writeFileSync(
    path.join(place.state, CONFIGURATION),
    `${JSON.stringify(configuration, null, 2)}\n`,
  );
}

/** The command line, with the configuration that {@link configure} wrote. */
export function run(place: Place, verb: string, ...rest: string[]): Command {
  const file = path.join(place.state, CONFIGURATION);
  return { argv: [process.execPath, PROGRAM, verb, ...rest, '--config', file, '--json'] };
}

function backup(place: Place, variant: Variant, source: string): Command {
  return run(
    place,
    'backup',
    source,
    '--create-store',
    '--no-prune',
    ...(variant.verifies ? [] : ['--no-verify']),
  );
}

function restore(place: Place, variant: Variant, ...paths: string[]): Command {
  const target = ['--to', path.join(place.target, 'restored')];
  const trusting = variant.verifies ? [] : ['--no-verify'];
  return run(place, 'restore', 'latest', ...paths, ...target, ...trusting);
}

function command(operation: Operation, place: Place, variant: Variant): Command | undefined {
  switch (operation) {
    case 'first':
    case 'unchanged':
    case 'changed':
      return backup(place, variant, SOURCE);
    case 'checkout':
      return backup(place, variant, CHECKOUT_SOURCE);
    case 'verify':
      return variant.verifies ? undefined : run(place, 'verify', 'latest', '--level', 'content');
    case 'digest':
      return variant.verifies ? undefined : run(place, 'verify', 'latest', '--level', 'digest');
    case 'restore':
      return restore(place, variant);
    case 'file':
      return restore(place, variant, place.file);
    case 'restoreTest':
      return undefined;
  }
}

/** The version of the built program; undefined when it was not built. */
export function version(): string | undefined {
  if (!fs.existsSync(PROGRAM)) return undefined;
  const file = path.join(import.meta.dirname, '..', '..', 'package.json');
  return (JSON.parse(fs.readFileSync(file, 'utf8')) as { version: string }).version;
}

function tool(variant: Variant): Tool {
  return {
    name: variant.name,
    title: variant.title,
    about: variant.about,
    version,
    prepare: (place) => {
      configureTree(place, variant);
      return Promise.resolve();
    },
    beforeCheckout: (place) => backup(place, variant, CHECKOUT_SOURCE),
    command: (operation, place) => command(operation, place, variant),
    stored: (place) => path.join(place.state, 'store'),
  };
}

/** The ways in which Holdfast is measured; the first is the one that peers are compared with. */
export const HOLDFAST: readonly Tool[] = [
  tool({
    name: 'holdfast',
    title: 'Holdfast',
    about: 'gzip at the default level, `--no-verify`: nothing is read back, as with the others',
    compression: 'default',
    verifies: false,
  }),
  tool({
    name: 'holdfast-default',
    title: 'Holdfast, default',
    about:
      'gzip at the default level; what was written is read back and checked before the command ends',
    compression: 'default',
    verifies: true,
  }),
  tool({
    name: 'holdfast-zstd',
    title: 'Holdfast, zstd',
    about: '`compression: zstd`, `--no-verify`',
    compression: 'zstd',
    verifies: false,
  }),
];

function inBucket(command: Command, { credentials }: BenchBucket): Command {
  return { ...command, env: { ...command.env, ...credentials } };
}

const ON_S3: Variant = {
  name: 'holdfast-s3',
  title: 'Holdfast, S3',
  about: 'as the first, with a bucket of versitygw on this machine as store',
  compression: 'default',
  verifies: false,
};

/** The first way, with a bucket as store. */
export const holdfastS3: Tool = {
  ...tool(ON_S3),
  version: () => (hasS3Server() ? version() : undefined),
  prepare: async (place) => {
    const { endpoint, name } = await newBucketFor(place.state);
    configureTree(place, ON_S3, `s3://${name}?endpoint=${endpoint}&checksums=part`);
  },
  beforeCheckout: async (place) =>
    inBucket(backup(place, ON_S3, CHECKOUT_SOURCE), await bucketFor(place.state)),
  command: async (operation, place) => {
    const local = command(operation, place, ON_S3);
    return local && inBucket(local, await bucketFor(place.state));
  },
  stored: async (place) => (await bucketFor(place.state)).folder,
};
