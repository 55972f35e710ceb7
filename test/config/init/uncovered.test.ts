// Which databases of a site nothing speaks for.
import { expect, test } from '@jest/globals';

import type { Config } from '../../../lib/config/config.ts';
import { ENGINES, type EngineId } from '../../../lib/config/init/engines.ts';
import type { FoundDatabase } from '../../../lib/config/init/found-databases.ts';
import { uncoveredDatabases } from '../../../lib/config/init/uncovered.ts';
import { otherDatabases } from '../../../lib/config/schema/other-databases.ts';

type Protection = Parameters<typeof uncoveredDatabases>[1];

const POSTGRES = { isCertain: true, toldBy: '.env' } as FoundDatabase;
const nothing: Protection = { sources: [], otherDatabases: {}, aws: undefined };
const onAws = (...kinds: string[]) =>
  ({ ...nothing, aws: { recoveryPoints: { selections: [{ kinds }] } } }) as unknown as Protection;

function uncovered(engines: readonly EngineId[], protection: Protection): string[] {
  const database = engines.includes('postgres') ? POSTGRES : undefined;
  const unsupported = engines
    .filter((engine) => engine !== 'postgres')
    .map((engine) => ({ engine, title: engine, toldBy: ['x'], advice: 'Dump it.' }));
  return uncoveredDatabases({ database, unsupported }, protection).map(({ option }) => option);
}

test('every engine is uncovered where nothing speaks for it, and its option is one that the configuration has', () => {
  const names = Object.keys(otherDatabases.shape);
  for (const { id } of ENGINES) {
    const [option = '-', ...more] = uncovered([id], nothing);
    expect(names).toContain(option);
    expect(more).toEqual([]);
    expect(uncovered([id], { ...nothing, otherDatabases: { [option]: 'elsewhere' } })).toEqual([]);
  }
});

test.each<[EngineId, Protection]>([
  ['postgres', { ...nothing, sources: [{ kind: 'postgres' }] as unknown as Config['sources'] }],
  ['postgres', onAws('aurora')],
  ['mysql', onAws('rds')],
  ['mysql', { ...nothing, otherDatabases: { mariadb: 'dumps' } }],
  ['mysql-or-mariadb', { ...nothing, otherDatabases: { mariadb: 'dumps' } }],
  ['dynamodb', onAws('s3', 'dynamodb')],
])('%s is covered (%#)', (engine, protection) => {
  expect(uncovered([engine], protection)).toEqual([]);
});

test.each<[EngineId, Protection]>([
  ['sqlite', onAws('rds', 'dynamodb')],
  ['dynamodb', onAws('rds')],
  ['mongodb', { ...nothing, otherDatabases: { mysql: 'dumps' } }],
])('%s is not covered by what protects another database (%#)', (engine, protection) => {
  expect(uncovered([engine], protection)).toEqual([engine]);
});

test('a variable that may lead to any database says nothing for sure', () => {
  const database = { ...POSTGRES, isCertain: false };
  expect(uncoveredDatabases({ database, unsupported: [] }, nothing)).toEqual([]);
});
