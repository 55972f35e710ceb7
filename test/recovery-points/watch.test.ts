// The look at AWS Backup, by the real client over HTTP: vaults here and elsewhere, what cannot be seen, and since when anything is due.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { BackupClient } from '@aws-sdk/client-backup';
import { schedulesOf } from '../../lib/config/objectives.ts';
import type { Config } from '../../lib/config/config.ts';
import type { SelectionConfig } from '../../lib/config/recovery-points.ts';
import { writeRecord } from '../../lib/engine/catalog/records.ts';
import { claimStore } from '../../lib/engine/catalog/marker.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import { measure } from '../../lib/engine/measure.ts';
import { pruneSource } from '../../lib/engine/prune.ts';
import { assessRecoveryPoints } from '../../lib/policy/recovery-points/assessment.ts';
import { backupReader } from '../../lib/recovery-points/aws-backup.ts';
import { lookAtRecoveryPoints } from '../../lib/recovery-points/watch.ts';
import { Clock, ClockedStore, DAILY, engineOn } from '../support/engine.ts';
import { awsWith, OTHER_TABLE, selectionConfig, TABLE } from '../support/watched-points.ts';
import { BACKUP_ACCOUNT, listedPoint, SmallBackup } from '../support/small-backup.ts';

const HOUR_MS = 3_600_000;
const VAULT = 'holdfast-shop';
const REGIONAL = `arn:aws:backup:eu-west-1:${BACKUP_ACCOUNT}:backup-vault:copies`;
const FOREIGN = 'arn:aws:backup:eu-central-1:999999999999:backup-vault:copies';

let here: SmallBackup;
let there: SmallBackup;
let clock: Clock;
let engine: Engine;

beforeEach(async () => {
  here = await SmallBackup.start();
  there = await SmallBackup.start();
  clock = new Clock();
  engine = engineOn(new ClockedStore(clock), clock);
  await claimStore(engine);
});
afterEach(async () => {
  await here[Symbol.asyncDispose]();
  await there[Symbol.asyncDispose]();
});

const ago = (hours: number) => new Date(clock.ms - hours * HOUR_MS);
/** As many hours in seconds; the clock of the tests ticks whenever it is read. */
const aged = (hours: number): number => expect.closeTo(hours * 3600, -1) as unknown as number;
const seconds = (time: Date) => time.getTime() / 1000;

function copyTo(arn: string): SelectionConfig['copies'] {
  const [, partition = '', , region = '', account = '', , name = ''] = arn.split(':');
  return [{ arn, partition, region, account, name }];
}

async function look(selections: readonly SelectionConfig[], { isFirst = false } = {}) {
  const { recoveryPoints: config } = awsWith(selections);
  const facts = await lookAtRecoveryPoints(engine, {
    ...{ system: 'shop', config, sources: ['site'], isFirst },
    open: (region) =>
      backupReader(
        new BackupClient({
          region: region ?? 'eu-central-1',
          endpoint: (region === undefined ? here : there).endpoint,
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
          maxAttempts: 1,
        }),
      ),
  });
  const judged = assessRecoveryPoints(facts, engine.now());
  const of = (resource: string) => judged.resources.find((one) => one.resource === resource);
  const codesOf = (resource: string) => of(resource)?.findings.map(({ code }) => code);
  return { facts, judged, of, codesOf };
}

describe('the vault', () => {
  const untested = selectionConfig({
    restoreTest: { ...selectionConfig().restoreTest, maxAgeMs: undefined },
  });

  test('tells per resource how old its newest recovery point is, and how large all are', async () => {
    const info = { CreationDate: seconds(ago(1000)) };
    here.keep(VAULT, [listedPoint(TABLE, ago(6)), listedPoint(TABLE, ago(30))], info);
    const { facts, of, codesOf, judged } = await look([untested]);
    expect(of(TABLE)?.measures.recoveryPointAgeSeconds).toEqual(aged(6));
    expect(codesOf(TABLE)).toEqual([]);
    expect(codesOf(OTHER_TABLE)).toEqual(['point-late']);
    expect(judged.missing.get('tables')).toBe(1);
    expect(facts.vaults).toEqual([
      { vault: expect.stringContaining(`:backup-vault:${VAULT}`), bytes: 2000 },
    ]);
    expect(here.asked.map(({ path }) => path)).toEqual([
      `/backup-vaults/${VAULT}`,
      `/backup-vaults/${VAULT}/recovery-points`,
    ]);
  });

  test('that denies, throttles or is not there makes everything late, with the reason', async () => {
    const missing = await look([untested]);
    expect(missing.of(TABLE)?.findings[0]).toMatchObject({
      code: 'point-late',
      detail: `its recovery points could not be seen: there is no vault ${VAULT}`,
    });
    here.faults = () => ({ status: 403, name: 'AccessDeniedException' });
    const denied = await look([untested]);
    expect(denied.of(TABLE)?.findings[0]?.detail).toContain('access is denied');
    expect(denied.of(TABLE)?.measures.lateRecoveryPoints).toBeUndefined();
  });

  test('is not missed while the stack is being made', async () => {
    const { codesOf } = await look([untested], { isFirst: true });
    expect(codesOf(TABLE)).toEqual(['point-awaited']);
  });

  test('holds what a number of resources needs, whoever else is named', async () => {
    const byTags = selectionConfig({
      name: 'tagged',
      resources: [],
      tags: { backup: 'daily' },
      expected: { arns: undefined, count: 2 },
      restoreTest: untested.restoreTest,
    });
    const third = `${TABLE}-3`;
    const points = [TABLE, OTHER_TABLE, third].map((arn) => listedPoint(arn, ago(6)));
    const volume = listedPoint('arn:aws:ec2:eu-central-1:1:volume/v', ago(6), {
      ResourceType: 'EBS',
    });
    const foreign = listedPoint(`${TABLE}-4`, ago(6), { CreatedBy: { BackupPlanName: 'other' } });
    here.keep(VAULT, [...points, volume, foreign], { CreationDate: seconds(ago(1000)) });
    const { of, judged } = await look([untested, byTags]);
    expect(judged.missing.get('tagged')).toBe(1);
    expect(of('*')?.findings[0]?.detail).toBe(
      '1 resources have a recovery point that counts; expected: 2',
    );
  });
});

describe('copies', () => {
  const info = () => ({ CreationDate: seconds(ago(1000)) });

  test('in another region are listed there', async () => {
    here.keep(VAULT, [listedPoint(TABLE, ago(6))], info());
    there.keep('copies', [listedPoint(TABLE, ago(5)), listedPoint(OTHER_TABLE, ago(50))]);
    const { of, codesOf } = await look([selectionConfig({ copies: copyTo(REGIONAL) })]);
    expect(of(TABLE)?.measures).toMatchObject({ copyAgeSeconds: aged(5), lateCopies: 0 });
    expect(codesOf(OTHER_TABLE)).toContain('copy-late');
  });

  test('in another account are told by their jobs', async () => {
    here.keep(VAULT, [listedPoint(TABLE, ago(6))], info());
    const job = {
      DestinationBackupVaultArn: FOREIGN,
      ResourceArn: TABLE,
      ResourceType: 'DynamoDB',
    };
    here.copyJobs = [
      { ...job, CopyJobId: 'A', State: 'COMPLETED', CreationDate: seconds(ago(5)) },
      { ...job, CopyJobId: 'B', State: 'FAILED', CreationDate: seconds(ago(1)) },
      { ...job, CopyJobId: 'C', State: 'PARTIAL', CreationDate: seconds(ago(2)) },
    ];
    const { of } = await look([selectionConfig({ copies: copyTo(FOREIGN) })]);
    expect(of(TABLE)?.measures).toMatchObject({ copyAgeSeconds: aged(5), lateCopies: 0 });
  });

  test('that cannot be seen leave everything else as it is', async () => {
    here.keep(VAULT, [listedPoint(TABLE, ago(6))], info());
    const { of, codesOf } = await look([selectionConfig({ copies: copyTo(REGIONAL) })]);
    expect(of(TABLE)?.measures).toMatchObject({ lateRecoveryPoints: 0, lateCopies: undefined });
    expect(codesOf(TABLE)).toContain('copy-late');
  });
});

describe('evidence', () => {
  const act = (verdict: 'proven' | 'inconclusive', level: string, source = 'tables') =>
    writeRecord(engine, {
      verb: 'restore-test',
      source,
      subject: '6B2F9C1A-0D3E-4F5A-8B7C-9D0E1F2A3B4C',
      begin: engine.now(),
      verdict,
      problems: [],
      facts: { restoreMs: HOUR_MS, resource: TABLE, recoveryPoint: 'arn:point', level },
    });

  test('of a restore test is read from the store', async () => {
    here.keep(VAULT, [listedPoint(TABLE, ago(6))]);
    await act('proven', 'content');
    clock.advance(HOUR_MS);
    const { of } = await look([selectionConfig()]);
    expect(of(TABLE)?.measures).toMatchObject({
      restoreTestAgeSeconds: aged(1),
      restoreSeconds: 3600,
    });
  });

  test('that something was restored is as much as can be had of a volume, and of nothing else', async () => {
    here.keep(VAULT, [listedPoint(TABLE, ago(6))]);
    await act('inconclusive', 'content');
    expect((await look([selectionConfig()])).of(TABLE)?.restoreTest.lastProven).toBeUndefined();
    await act('inconclusive', 'restored');
    expect((await look([selectionConfig()])).of(TABLE)?.restoreTest.lastProven).toBeDefined();
  });

  test('of a selection makes no source of it', async () => {
    here.keep(VAULT, [listedPoint(TABLE, ago(6))]);
    await act('proven', 'content');
    const { facts } = await look([selectionConfig()]);
    const measured = await measure(engine, {
      objectives: new Map(),
      capacityBytes: undefined,
      recoveryPoints: facts,
    });
    expect(measured.facts.sources).toEqual([]);
  });
});

describe('nothing is due', () => {
  async function prune(selections: readonly SelectionConfig[]): Promise<void> {
    const config = { sources: [], aws: awsWith(selections) } as unknown as Config;
    await pruneSource(engine, 'site', { ...DAILY, schedules: schedulesOf(config) });
  }

  test('before a prune has known the selection, and the alarm comes once interval and grace have passed', async () => {
    here.keep(VAULT, [listedPoint(TABLE, ago(6))], { CreationDate: seconds(ago(1000)) });
    const before = selectionConfig({ expected: { arns: [TABLE] } });
    const after = selectionConfig();
    await prune([before]);
    clock.advance(HOUR_MS);
    expect((await look([after])).codesOf(OTHER_TABLE)).toEqual(['point-awaited']);
    await prune([after]);
    for (let day = 0; day < 2; day += 1) {
      clock.advance(24 * HOUR_MS);
      await prune([after]);
    }
    expect((await look([after])).codesOf(OTHER_TABLE)).toContain('point-late');
  });
});
