// Every option that the configuration accepts for a kind of source is carried out for that kind: each has the code that reads it.
import { readFileSync } from 'node:fs';

import { expect, test } from '@jest/globals';

import { faultsOf, withSource } from '../support.ts';

type Evidence = readonly [file: string, code: string];

/** Of every kind: when a backup is due, how it is judged, kept, and proven. */
const EVERY: Readonly<Record<string, Evidence>> = {
  kind: ['lib/config/load/resolve.ts', 'switch (shape.kind)'],
  allowEmpty: ['lib/config/load/resolve.ts', 'allowEmpty: shape.allowEmpty'],
  compression: ['lib/config/load/resolve.ts', 'compression: shape.compression'],
  schedule: ['lib/policy/objectives.ts', 'longestIntervalMs(schedule'],
  timeZone: ['lib/config/load/resolve.ts', 'timeZone: timeZoneName(shape.timeZone)'],
  rpo: ['lib/policy/freshness.ts', 'rpoMs === undefined'],
  rto: ['lib/policy/restore-tests.ts', 'objective.rtoMs'],
  grace: ['lib/policy/objectives.ts', '+ graceMs'],
  dropPercent: ['lib/cli/backup/back-up.ts', 'dropShare: source.dropShare'],
  restoreTest: ['lib/policy/assessment.ts', 'restoreTestStatus('],
  retention: ['lib/config/load/resolve.ts', 'mergedRetention(system.retention, retention)'],
  heartbeat: ['lib/cli/telling.ts', 'one.heartbeat !== undefined'],
};

const FOLDER: Readonly<Record<string, Evidence>> = {
  ...EVERY,
  tolerate: ['lib/sources/tree/tolerate.ts', 'compileGlobs('],
  afterRestore: ['lib/cli/restore/restoring.ts', 'options.runConfigured === true ? configured'],
};

const REMOTE: Readonly<Record<string, Evidence>> = {
  ...FOLDER,
  onDeployment: ['lib/infra/core/triggers/events.ts', 'source.onDeployment'],
};

const CARRIED_OUT: Readonly<Record<string, Readonly<Record<string, Evidence>>>> = {
  files: {
    ...FOLDER,
    allowEmpty: ['lib/sources/files/source.ts', '!options.allowEmpty'],
    compression: ['lib/sources/files/source.ts', 'ENCODINGS[options.compression]'],
    tolerate: ['lib/sources/files/source.ts', 'tolerate(problems, options.tolerate)'],
    path: ['lib/sources/files/source.ts', 'fs.realpathSync(path)'],
    include: ['lib/sources/files/source.ts', 'include: options.include'],
    exclude: ['lib/sources/files/source.ts', 'exclude: options.exclude'],
    gitignore: ['lib/sources/files/source.ts', 'options.gitignore ?'],
    secrets: ['lib/sources/tree/walk.ts', "this.options.secrets === 'include'"],
    oneFileSystem: ['lib/sources/tree/walk.ts', 'this.options.oneFileSystem &&'],
    times: ['lib/sources/files/source.ts', 'times: options.times'],
  },
  bucket: {
    ...REMOTE,
    allowEmpty: ['lib/sources/bucket/source.ts', '!options.allowEmpty'],
    compression: ['lib/sources/bucket/source.ts', 'ENCODINGS[options.compression]'],
    tolerate: ['lib/sources/bucket/source.ts', 'tolerate(problems, options.tolerate)'],
    bucket: ['lib/sources/bucket/source.ts', 'bucket: name'],
    prefix: ['lib/sources/bucket/client.ts', 'Prefix: this.place.prefix'],
    include: ['lib/sources/bucket/entries.ts', 'createSelector(selection)'],
    exclude: ['lib/sources/bucket/entries.ts', 'createSelector(selection)'],
    region: ['lib/wiring/remote-sources.ts', 'config.region ?? region'],
    account: ['lib/sources/bucket/client.ts', 'ExpectedBucketOwner: account'],
    runOn: ['lib/config/config.ts', "source.runOn === 'task'"],
  },
  github: {
    ...REMOTE,
    allowEmpty: ['lib/sources/github/source.ts', '!options.allowEmpty'],
    compression: ['lib/sources/github/source.ts', 'ENCODINGS[options.compression]'],
    tolerate: ['lib/sources/github/source.ts', 'tolerate(stored.problems, options.tolerate)'],
    repository: ['lib/sources/github/client.ts', 'place.repository'],
    ref: ['lib/sources/github/source.ts', 'resolveCommit(place, options.ref)'],
    token: ['lib/sources/github/source.ts', 'surroundings.token()'],
    api: ['lib/sources/github/client.ts', 'place.api'],
    include: ['lib/sources/github/source.ts', 'createSelector(options)'],
    exclude: ['lib/sources/github/source.ts', 'createSelector(options)'],
  },
  parameters: {
    ...REMOTE,
    allowEmpty: ['lib/sources/parameters/source.ts', '!options.allowEmpty'],
    compression: ['lib/sources/parameters/source.ts', 'ENCODINGS[options.compression]'],
    tolerate: ['lib/sources/parameters/source.ts', 'options.tolerate)'],
    paths: ['lib/sources/parameters/source.ts', 'options.paths'],
    secretNames: ['lib/sources/parameters/source.ts', 'options.secretNames'],
    secrets: ['lib/sources/parameters/read.ts', "place.secrets === 'include'"],
    region: ['lib/wiring/remote-sources.ts', 'config.region ?? region'],
  },
  postgres: {
    ...EVERY,
    allowEmpty: ['lib/sources/postgres/dump/read.ts', 'this.options.allowEmpty'],
    compression: ['lib/sources/postgres/dump/read.ts', 'ENCODINGS[this.options.compression]'],
    tolerate: ['lib/sources/postgres/dump/read.ts', "tolerate.includes('globals')"],
    connection: ['lib/wiring/databases.ts', 'secret(connection)'],
    server: ['lib/wiring/databases.ts', 'parametersOf(configured)'],
    schemas: ['lib/sources/postgres/dump/preflight.ts', 'schemas'],
    excludeSchemas: ['lib/sources/postgres/dump/preflight.ts', 'excludeSchemas'],
    tables: ['lib/sources/postgres/dump/preflight.ts', 'selection.tables'],
    excludeTables: ['lib/sources/postgres/dump/preflight.ts', 'selection.excludeTables'],
    binaries: ['lib/sources/postgres/dump/read.ts', 'binaries'],
    format: ['lib/sources/postgres/dump/read.ts', 'format'],
    jobs: ['lib/sources/postgres/dump/read.ts', 'jobs'],
    lockWaitTimeout: ['lib/sources/postgres/dump/read.ts', 'lockWaitTimeoutSeconds'],
    timestamps: ['lib/sources/postgres/dump/read.ts', 'this.options.timestamps'],
    checks: ['lib/cli/sources.ts', 'source.checks'],
    maxDatabaseSize: ['lib/sources/postgres/dump/read.ts', 'maxDatabaseBytes'],
    runOn: ['lib/config/config.ts', "source.runOn === 'task'"],
  },
};

interface Schema {
  readonly properties: {
    readonly sources: { readonly additionalProperties: { readonly oneOf: readonly Kind[] } };
  };
}
interface Kind {
  readonly properties: Readonly<Record<string, { readonly const?: string }>>;
}

const schema = JSON.parse(readFileSync('holdfast.schema.json', 'utf8')) as Schema;
const kinds = schema.properties.sources.additionalProperties.oneOf;

test.each(kinds.map(({ properties }) => [properties['kind']?.const ?? '', properties] as const))(
  'of a source of kind %s',
  (kind, properties) => {
    const known = CARRIED_OUT[kind] ?? {};
    expect(Object.keys(properties).sort()).toEqual(Object.keys(known).sort());
    for (const [file, code] of Object.values(known))
      expect(readFileSync(file, 'utf8')).toContain(code);
  },
);

const SOURCES = {
  bucket: 'kind: bucket, bucket: my-assets, region: eu-central-1',
  postgres: "kind: postgres, connection: 'env:DATABASE_URL'",
};

function faults(source: string): string {
  const text = withSource('').replace('{ kind: files, path: . }', `{ ${source} }`);
  return faultsOf(text).join('\n');
}

test('what a kind cannot do is refused, and not left undone', () => {
  expect(faults(`${SOURCES.postgres}, afterRestore: [npm ci]`)).toContain(
    'has no folder in which a command could run',
  );
  expect(faults(`${SOURCES.postgres}, tolerate: ['*.log']`)).toContain('globals');
  expect(faults(`${SOURCES.bucket}, secrets: include`)).toContain('unknown key');
  expect(faults(`${SOURCES.bucket}, afterRestore: [npm ci]`)).not.toContain('unknown key');
});
