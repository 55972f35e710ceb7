// restic, with its defaults: encryption, its own cache, zstd compression where the version and repository have it.
import * as path from 'node:path';
import { firstLine, runUnmeasured } from '../measure.ts';
import type { Command } from '../measure.ts';
import { bucketFor, hasS3Server, newBucketFor, type BenchBucket } from './s3-server.ts';
import type { Operation, Place, Tool } from './tool.ts';

function run(place: Place, ...rest: string[]): Command {
  return {
    argv: ['restic', '--quiet', ...rest],
    cwd: place.source,
    env: {
      RESTIC_REPOSITORY: path.join(place.state, 'repository'),
      RESTIC_CACHE_DIR: path.join(place.state, 'cache'),
      RESTIC_PASSWORD: 'bench',
    },
  };
}

function inBucket(command: Command, { endpoint, name, credentials }: BenchBucket): Command {
  const RESTIC_REPOSITORY = `s3:${endpoint}/${name}`;
  return { ...command, env: { ...command.env, ...credentials, RESTIC_REPOSITORY } };
}

function command(operation: Operation, place: Place): Command | undefined {
  switch (operation) {
    case 'first':
    case 'unchanged':
    case 'changed':
    case 'checkout':
      return run(place, 'backup', place.source);
    case 'verify':
      return run(place, 'check', '--read-data');
    case 'digest':
    case 'restoreTest':
      return undefined;
    case 'restore':
      return run(place, 'restore', 'latest', '--target', place.target);
    case 'file': {
      const file = path.join(place.source, place.file);
      return run(place, 'restore', 'latest', '--target', place.target, '--include', file);
    }
  }
}

export const restic: Tool = {
  name: 'restic',
  title: 'restic',
  about:
    'defaults, encrypted; `check --read-data`; `restore latest`, with `--include` for one file',
  version: () => firstLine('restic', 'version'),
  prepare: (place) => runUnmeasured(run(place, 'init')),
  command,
  stored: (place) => path.join(place.state, 'repository'),
};

/** The same repository in a bucket. */
export const resticS3: Tool = {
  name: 'restic-s3',
  title: 'restic, S3',
  about: 'as restic, with its repository in a bucket of versitygw on this machine',
  version: () => (hasS3Server() ? firstLine('restic', 'version') : undefined),
  prepare: async (place) =>
    runUnmeasured(inBucket(run(place, 'init'), await newBucketFor(place.state))),
  command: async (operation, place) => {
    const local = command(operation, place);
    return local && inBucket(local, await bucketFor(place.state));
  },
  stored: async (place) => (await bucketFor(place.state)).folder,
};
