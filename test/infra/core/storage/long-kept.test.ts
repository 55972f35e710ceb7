// What moves to a colder class: one rule, one class that is read at once, and only where the configuration makes that pay.
import { describe, expect, jest, test, afterEach } from '@jest/globals';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import fc from 'fast-check';
import type { AwsConfig, Config } from '../../../../lib/config/config.ts';
import { movePlan, movesAnything } from '../../../../lib/config/storage-class.ts';
import { moveText } from '../../../../lib/infra/core/storage/storage-class.ts';
import { storeLifecycle } from '../../../../lib/infra/core/storage/lifecycle.ts';
import { DEFAULT_RETENTION } from '../../../../lib/policy/retention-policy.ts';
import { NOW, sparkWith, stackOf, deployedFrom } from '../../../support/stacks.ts';

const BUCKET = 'spark-bloom-flow-backups';
const MOVED = 'undo: 14d\n  storageClass: glacier-instant-retrieval';
const QUARTER = `${MOVED}\n  verifyContent: quarter`;

afterEach(() => {
  jest.restoreAllMocks();
});

interface Rule {
  readonly Id: string;
  readonly TagFilters?: readonly { readonly Key: string }[];
  readonly Transitions?: readonly unknown[];
  readonly ExpirationInDays?: number;
}

async function made(aws: string) {
  jest.spyOn(console, 'error').mockReturnValue();
  const { stack } = stackOf(await sparkWith(['undo: 14d', aws]));
  const bucket = deployedFrom(stack)
    .ofType('AWS::S3::Bucket')
    .find(([, { Properties }]) => Properties['BucketName'] === BUCKET);
  const lifecycle = bucket?.[1].Properties['LifecycleConfiguration'] as
    { Rules: Rule[] } | undefined;
  const said = (level: 'findInfo' | 'findWarning') =>
    Annotations.fromStack(stack)
      [level]('*', Match.anyValue())
      .map(({ entry }) => entry.data as string)
      .filter((text) => text.includes('Glacier'));
  return { rules: lifecycle?.Rules ?? [], info: said('findInfo'), warnings: said('findWarning') };
}

describe('a stack that moves what is kept for long', () => {
  test('moves what carries its tag to Glacier Instant Retrieval, and says what that saves', async () => {
    const { rules, info, warnings } = await made(QUARTER);
    expect(rules.find(({ Id }) => Id === 'long-kept')).toEqual({
      Id: 'long-kept',
      Status: 'Enabled',
      TagFilters: [{ Key: 'holdfast:long-kept', Value: 'true' }],
      ObjectSizeGreaterThan: '131071',
      Transitions: [{ StorageClass: 'GLACIER_IR', TransitionInDays: 0 }],
    });
    expect(rules.filter(({ ExpirationInDays }) => ExpirationInDays !== undefined)).toEqual([
      expect.objectContaining({
        Id: 'released',
        TagFilters: [{ Key: 'holdfast:released', Value: 'true' }],
      }),
    ]);
    expect(warnings).toEqual([]);
    expect(info).toHaveLength(1);
    expect(info[0]).toMatch(
      /database: artifacts of at least \d+ KiB, for about 1[12] months at 1\.\d\d \$/,
    );
    expect(info[0]).toMatch(/instead of 2\.\d\d \(3\d % less\)/);
    expect(info[0]).toContain('every 3 months');
  });

  test('moves nothing while content is verified every month, and says why and what would help', async () => {
    const { rules, info, warnings } = await made(MOVED);
    expect(rules.map(({ Id }) => Id)).toEqual([
      'released',
      'unfinished-uploads',
      'markers-of-nothing',
    ]);
    expect(info).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('is not applied');
    expect(warnings[0]).toMatch(/every month, .* % more/);
    expect(warnings[0]).toMatch(/verifyContent: quarter, it would be .* % less/);
  });

  test('says nothing where nothing is asked for', async () => {
    const { rules, info, warnings } = await made('undo: 14d\n  verifyContent: half-year');
    expect(rules).toHaveLength(3);
    expect([...info, ...warnings]).toEqual([]);
  });

  test('says that an adopted bucket has its lifecycle from elsewhere', async () => {
    const { rules, info } = await made(`${QUARTER}\n  storage: existing`);
    expect(rules).toEqual([]);
    expect(info[0]).toContain('The bucket is adopted');
  });
});

describe('whatever is configured', () => {
  const aRetention = fc.record({
    daily: fc.nat(40),
    weekly: fc.nat(60),
    monthly: fc.nat(40),
    yearly: fc.nat(10),
    last: fc.nat(100),
  });
  const aPlan = fc
    .record({
      retentions: fc.array(aRetention, { minLength: 1, maxLength: 4 }),
      contentMonths: fc.constantFrom(1 as const, 3 as const, 6 as const),
      undoDays: fc.integer({ min: 1, max: 90 }),
      schedule: fc.constantFrom(undefined, '0 3 * * *', '0 3 * * 0', '0 3 1 * *'),
    })
    .map(({ retentions, schedule, ...aws }) => {
      const sources = retentions.map((retention, index) => ({
        name: `source-${index}`,
        schedule,
        timeZone: 'UTC',
        retention: { ...DEFAULT_RETENTION, ...retention },
      }));
      const terms = { ...aws, storageClass: 'glacier-instant-retrieval' } as AwsConfig;
      return movePlan({ aws: terms, sources } as unknown as Config, NOW);
    });

  test('what is said agrees with what is done, and names every source', () => {
    fc.assert(
      fc.property(aPlan, (plan) => {
        if (plan === undefined) throw new Error('something was asked for');
        const text = moveText(plan);
        expect(text).not.toMatch(/NaN|undefined|Infinity| -\d/);
        expect(text.includes('is not applied')).toBe(!movesAnything(plan));
        expect(movesAnything(plan)).toBe(plan.terms.contentMonths > 1);
        if (!movesAnything(plan)) return;
        for (const { source } of plan.sources) expect(text).toContain(`${source}: `);
      }),
    );
  });

  test('no rule moves to a class that cannot be read at once, and none ends anything but what is released', () => {
    for (const movesLongKept of [true, false]) {
      for (const rule of storeLifecycle({ undoDays: 14, movesLongKept })) {
        for (const { storageClass } of rule.transitions ?? [])
          expect(storageClass.value).toBe('GLACIER_IR');
        expect(rule.noncurrentVersionTransitions).toBeUndefined();
        const ends = rule.expiration ?? rule.noncurrentVersionExpiration ?? rule.expirationDate;
        if (ends !== undefined) expect(rule.tagFilters).toEqual({ 'holdfast:released': 'true' });
      }
    }
  });
});
