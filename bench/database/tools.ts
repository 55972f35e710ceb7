// The ways of dumping a database and of trying out a dump that are compared: Holdfast, what people type, and Holdfast without facts.
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as esbuild from 'esbuild';
import { binaries, plainUser } from '../../test/support/postgres.ts';
import { firstLine, type Command } from '../measure.ts';
import { configure, run, version } from '../peers/holdfast.ts';
import type { Operation, Place, Tool } from '../peers/tool.ts';

const SOURCE = 'database';
const stored = ({ state }: Place): string => path.join(state, 'store');

function holdfast(name: string, title: string, compression: 'default' | 'zstd'): Tool {
  return {
    name,
    title,
    about: `the database as a source, \`compression: ${compression}\`, \`--no-verify\`; \`restore-test\``,
    version,
    prepare: (place) => {
      const source = { kind: 'postgres', connection: 'env:BENCH_URL', compression };
      configure(place, { [SOURCE]: source });
      return Promise.resolve();
    },
    command: (operation, place) => {
      const env = { BENCH_URL: place.source };
      if (operation === 'first')
        return {
          ...run(place, 'backup', SOURCE, '--create-store', '--no-prune', '--no-verify'),
          env,
        };
      // Its verify is part of the test: a dump is checked before it is loaded.
      return operation === 'restoreTest'
        ? { ...run(place, 'restore-test', 'latest'), env }
        : undefined;
    },
    stored,
  };
}

/** `pg_dump` into a compressor, as one shell would; it fails when either does. */
function piped(name: string, compressor: string, program: string): Tool {
  const script = `set -e -o pipefail; mkdir -p store; pg_dump "$1" | ${compressor} > store/dump.sql.gz; sync store/dump.sql.gz`;
  return {
    name,
    title: `pg_dump, ${compressor}`,
    about: `\`pg_dump\` into \`${compressor}\`, and the file is synced`,
    version: () =>
      firstLine(program, '--version') ? firstLine('pg_dump', '--version') : undefined,
    prepare: () => Promise.resolve(),
    command: (operation, place) =>
      operation === 'first'
        ? { argv: ['bash', '-c', script, 'bash', place.source], cwd: place.state }
        : undefined,
    stored,
  };
}

/** What the writer of dumps alone costs: the rest of a backup is its facts. */
const withoutFacts: Tool = {
  name: 'dump-alone',
  title: 'Holdfast, dump alone',
  about: 'the same writer of dumps into a file that is synced, nothing asked beside it',
  version,
  prepare: async (place) => {
    fs.writeFileSync(path.join(place.state, 'package.json'), '{ "type": "module" }\n');
    await esbuild.build({
      absWorkingDir: path.join(import.meta.dirname, '..', '..'),
      entryPoints: {
        alone: 'bench/database/dump-alone.ts',
        worker: 'lib/archive/threads/worker.ts',
      },
      outdir: place.state,
      bundle: true,
      platform: 'node',
      format: 'esm',
    });
  },
  command: (operation, place) =>
    operation === 'first'
      ? {
          argv: [process.execPath, path.join(place.state, 'alone.js'), place.source, stored(place)],
        }
      : undefined,
  stored,
};

const BARE = `
set -e
data="$1/data"
cd "$1"
"$2/initdb" --pgdata="$data" --username=postgres --auth=trust --no-sync --encoding=UTF8 --locale=C >/dev/null
"$2/pg_ctl" --pgdata="$data" --log="$1/log" --wait -o "-c listen_addresses='' -c fsync=off -k '$1'" start >/dev/null
status=0
"$2/psql" -X -q -v ON_ERROR_STOP=1 -h "$1" -U postgres -d postgres -f "$3" >/dev/null || status=$?
"$2/pg_ctl" --pgdata="$data" --mode=immediate stop >/dev/null
exit $status
`;

/** The least that loads a dump: a new server and psql. It compares nothing. */
const bare: Tool = {
  name: 'psql',
  title: 'initdb, psql',
  about: 'a new server with `fsync=off`, `psql -f` of the uncompressed dump; nothing is compared',
  version: () => firstLine('psql', '--version'),
  prepare: () => Promise.resolve(),
  command: (operation: Operation, place: Place): Command | undefined => {
    if (operation !== 'restoreTest') return undefined;
    const { uid, gid } = plainUser() ?? {};
    // A server refuses to run as root.
    const script = `scratch=$(mktemp -d /tmp/holdfast-bench-XXXXXX); ${uid === undefined ? '' : `chown ${uid}:${gid ?? uid} "$scratch";`} trap 'rm -rf "$scratch"' EXIT; ${uid === undefined ? '' : `setpriv --reuid ${uid} --regid ${gid ?? uid} --clear-groups`} bash -c "$1" bash "$scratch" "$2" "$3"`;
    return { argv: ['bash', '-c', script, 'bash', BARE, binaries(), place.file] };
  },
  stored,
};

/** In the order of a report's columns; the first is the one that others are compared with. */
export const DATABASE_TOOLS: readonly Tool[] = [
  holdfast('holdfast-dump', 'Holdfast, dump', 'default'),
  holdfast('holdfast-dump-zstd', 'Holdfast, dump, zstd', 'zstd'),
  withoutFacts,
  piped('gzip', 'gzip -6', 'gzip'),
  piped('pigz', 'pigz -1', 'pigz'),
  bare,
];
