// What the configuration says about AWS Backup, and what it refuses.
import { describe, expect, test } from '@jest/globals';

import { HOUR_MS, DAY_MS } from '../../../lib/durations.ts';
import { check, faultsOf } from '../support.ts';

const TABLE = 'arn:aws:dynamodb:eu-central-1:123456789012:table/tasks';
const DATABASE = 'arn:aws:rds:eu-central-1:123456789012:db:app';

/** A configuration with one selection, its options in flow style; it stands in line 9. */
function selecting(options: string, { aws = '', name = 'data' } = {}): string {
  return `version: 1
system: my-site
store: s3://my-backups?region=eu-central-1
sources:
  assets: { kind: bucket, bucket: my-assets }
aws:
  recoveryPoints:
    selections:
      ${name}: { ${options} }
${aws}`;
}

const DAILY = `schedule: 0 5 * * *`;
const ASKS = 'postgres: { database: app, checks: [SELECT true] }';
const NETWORK =
  '  tasks: { vpc: { id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d] } }';

describe('a selection', () => {
  test('has every default filled in', () => {
    const { config, faults } = check(selecting(`resources: ['${TABLE}'], ${DAILY}`));
    expect(faults).toEqual([]);
    expect(config?.aws?.recoveryPoints).toEqual({
      lock: { mode: 'governance', minDays: undefined, maxDays: undefined, graceDays: 14 },
      selections: [
        {
          ...{ name: 'data', resources: [TABLE], tags: {}, expected: { arns: [TABLE] } },
          ...{ kinds: ['dynamodb'], keys: [], schedule: '0 5 * * *', timeZone: 'UTC' },
          ...{ rpoMs: undefined, rtoMs: undefined, graceMs: 4 * HOUR_MS },
          retention: { daily: 7, weekly: 4, monthly: 12, yearly: 0 },
          ...{ continuousDays: undefined, coldAfterDays: undefined, copies: [] },
          restoreTest: {
            ...{ everyDays: 3, maxAgeMs: 3 * DAY_MS + 4 * HOUR_MS },
            ...{ subnetGroup: undefined, securityGroups: [], postgres: undefined },
          },
        },
      ],
    });
  });

  test('takes what it does not say of retention from the file', () => {
    const text = selecting(`resources: ['${TABLE}'], ${DAILY}, retention: { daily: 14 }`, {
      aws: 'retention: { weekly: 8, monthly: 6 }',
    });
    expect(check(text).config?.aws?.recoveryPoints?.selections[0]?.retention).toEqual({
      ...{ daily: 14, weekly: 8, monthly: 6, yearly: 0 },
    });
  });

  test('by tags knows what it should match', () => {
    const byArn = check(selecting(`tags: { app: site }, expect: ['${DATABASE}'], ${DAILY}`));
    expect(byArn.config?.aws?.recoveryPoints?.selections[0]).toMatchObject({
      ...{ resources: [], tags: { app: 'site' }, expected: { arns: [DATABASE] }, kinds: ['rds'] },
    });
    const byNumber = check(selecting(`tags: { app: site }, expect: 2, kinds: [s3, efs], ${DAILY}`));
    expect(byNumber.config?.aws?.recoveryPoints?.selections[0]).toMatchObject({
      ...{ expected: { arns: undefined, count: 2 }, kinds: ['efs', 's3'] },
    });
  });

  const at = (option: string) => `aws.recoveryPoints.selections.data${option}`;

  test.each([
    [
      'that selects nothing',
      DAILY,
      `${at('.resources')}: nothing is selected; allowed: either "resources" or "tags"`,
    ],
    [
      'that selects twice',
      `resources: ['${TABLE}'], tags: { a: b }, ${DAILY}`,
      `${at('.resources')}: "resources" and "tags" both select; allowed: either "resources" or "tags"`,
    ],
    [
      'by tags that may match nothing',
      `tags: { a: b }, ${DAILY}`,
      `${at('.tags')}: nobody could tell when they match nothing, or less than they should; allowed: "tags" together with "expect": the ARNs that they should match, or how many`,
    ],
    [
      'by ARNs that are expected twice',
      `resources: ['${TABLE}'], expect: 1, ${DAILY}`,
      `${at('.expect')}: every ARN in "resources" is expected already; allowed: "expect" together with "tags"`,
    ],
    [
      'by tags of an unknown kind',
      `tags: { a: b }, expect: 2, ${DAILY}`,
      `${at('.kinds')}: nothing says what kinds of resources the tags match; allowed: "kinds" exactly where "expect" is a number`,
    ],
    [
      'that says kinds twice',
      `resources: ['${TABLE}'], kinds: [rds], ${DAILY}`,
      `${at('.kinds')}: the ARNs say already that they are of the kinds dynamodb; allowed: "kinds" exactly where "expect" is a number`,
    ],
    [
      'of what is in another region',
      `resources: ['${TABLE.replace('eu-central', 'us-east')}'], ${DAILY}`,
      `${at('.resources[0]')}: "${TABLE.replace('eu-central', 'us-east')}" is in us-east-1, and the stack is in eu-central-1; allowed: what is in the region of the store`,
    ],
    [
      'with a schedule that is not one',
      `resources: ['${TABLE}'], schedule: 0 25 * * *`,
      `${at('.schedule')}: got "0 25 * * *": invalid value for hour: 25; allowed: five cron fields such as 0 5 * * * (minute hour day month weekday)`,
    ],
    [
      'that cannot keep its objective',
      `resources: ['${TABLE}'], ${DAILY}, rpo: 12h`,
      `${at('.rpo')}: got 12h, but "schedule" leaves 1d between 2026-01-15T05:00Z and 2026-01-16T05:00Z; allowed: at least 1d, or a schedule that comes more often (a clock change makes a day of 25 hours, except in UTC)`,
    ],
  ])('%s is refused with its line', (_, options, fault) => {
    expect(faultsOf(selecting(options)).map(withoutColumn)).toEqual([`holdfast.yaml:9: ${fault}`]);
  });

  const CLUSTER = 'arn:aws:rds:eu-central-1:123456789012:cluster:app';
  const ELSEWHERE = 'arn:aws:backup:eu-west-1:999999999999:backup-vault:copies';
  const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
  const MINE = { aws: `  account: '123456789012'\n` };

  test.each([
    [
      'whose runs AWS Backup would merge',
      `resources: ['${TABLE}'], schedule: 0 * * * *`,
      `${at('.schedule')}: got "0 * * * *": it comes again within two hours, and AWS Backup merges what it may begin at the same time; allowed: every day, one weekday, or one day of the month up to the 28th, at times that are at least two hours apart`,
    ],
    [
      'with continuous backup that reaches back too far',
      `resources: ['${CLUSTER}'], ${DAILY}, continuous: 36d`,
      `${at('.continuous')}: got 36d, but continuous backup reaches back 35 days at most; allowed: at most 35d`,
    ],
    [
      'with continuous backup of what has none',
      `resources: ['${CLUSTER}', '${TABLE}'], ${DAILY}, continuous: 35d`,
      `${at('.continuous')}: DynamoDB has no continuous backup: AWS Backup would make one more recovery point each day instead; allowed: a selection with nothing but Aurora, RDS, S3`,
    ],
    [
      'with cold storage for what is deleted too early',
      `resources: ['${TABLE}'], ${DAILY}, retention: { monthly: 3 }, coldAfter: 30d`,
      `${at('.coldAfter')}: got 30d, but monthly recovery points are kept for 100 days, and what is cold stays so for 90 at least; allowed: at most 10d, or a longer retention`,
    ],
    [
      'with cold storage for nothing',
      `resources: ['${TABLE}'], ${DAILY}, retention: { monthly: 0 }, coldAfter: 30d`,
      `${at('.coldAfter')}: got 30d, but nothing is kept by month or by year, and all else is too short for it; allowed: "coldAfter" together with "monthly" or "yearly" in the retention`,
    ],
    [
      'with cold storage of what has none',
      `resources: ['${DATABASE}'], ${DAILY}, coldAfter: 30d`,
      `${at('.coldAfter')}: RDS has no cold storage; allowed: a selection with nothing but DynamoDB, EBS, EFS`,
    ],
    [
      'tested more rarely than recovery points last',
      `resources: ['${TABLE}'], ${DAILY}, restoreTest: { every: 8d }`,
      `${at('.restoreTest.every')}: got 8d, but a recovery point is kept for 8 days: some would be deleted before any test; allowed: at most 7d, a longer retention, or never`,
    ],
    [
      'tested more rarely than a plan can say',
      `resources: ['${TABLE}'], schedule: 0 5 1 * *, restoreTest: { every: 40d }`,
      `${at('.restoreTest.every')}: got 40d, which no restore testing plan can say; allowed: at most 28d, or never`,
    ],
    [
      'that names the subnets of a database, and holds a table',
      `resources: ['${TABLE}'], ${DAILY}, restoreTest: { subnetGroup: private }`,
      `${at('.restoreTest.subnetGroup')}: nothing in this selection is a database; allowed: "subnetGroup" in a selection with RDS or Aurora`,
    ],
    [
      'whose copies stay where they are',
      `resources: ['${TABLE}'], ${DAILY}, copies: [{ vault: 'arn:aws:backup:eu-central-1:123456789012:backup-vault:holdfast-my-site' }]`,
      `${at('.copies[0].vault')}: "arn:aws:backup:eu-central-1:123456789012:backup-vault:holdfast-my-site" is the vault of the recovery points themselves; allowed: a vault in another region or account`,
    ],
    [
      'whose copies no other account could read',
      `resources: ['${TABLE}'], ${DAILY}, copies: [{ vault: '${ELSEWHERE}' }]`,
      `${at('.copies[0].vault')}: "${ELSEWHERE}" is in another account, and "keys" names no key of yours: what a key of AWS encrypts cannot be copied there, and of DynamoDB that is the key of the resource; allowed: the keys of the resources in "keys", or a vault in the account of the stack`,
    ],
    [
      'whose copies nobody could tell of',
      `resources: ['${TABLE}'], schedule: 0 5 1 * *, keys: ['${KEY}'], copies: [{ vault: '${ELSEWHERE}' }]`,
      `${at('.copies[0].vault')}: "${ELSEWHERE}" is in another account, where only the copy jobs show a copy, for 30 days: nobody could tell for 748h whether the last copy came; allowed: a schedule that comes more often, or a vault in the account of the stack`,
    ],
  ])('%s is refused with its line, before any job fails', (_, options, fault) => {
    const faults = faultsOf(selecting(options, MINE)).map(withoutColumn);
    expect(faults).toEqual([`holdfast.yaml:9: ${fault}`]);
  });

  test.each([
    [
      'that asks restored databases, and holds a table',
      `resources: ['${TABLE}'], ${DAILY}, restoreTest: { ${ASKS} }`,
      `${at('.restoreTest.postgres')}: nothing in this selection is a database; allowed: "postgres" in a selection with RDS or Aurora`,
      NETWORK,
    ],
    [
      'that asks restored databases, and restores none',
      `resources: ['${DATABASE}'], ${DAILY}, restoreTest: { every: never, ${ASKS} }`,
      `${at('.restoreTest.postgres')}: nothing is restored that could be asked: "every" is never; allowed: "postgres" together with a number of days in "every"`,
      NETWORK,
    ],
    [
      'that asks restored databases from no network',
      `resources: ['${DATABASE}'], ${DAILY}, restoreTest: { ${ASKS} }`,
      `${at('.restoreTest.postgres')}: a task asks, which runs in a network of yours, and none is named; allowed: a network in aws.tasks.vpc or aws.databases.vpc, from which restored databases can be reached`,
      '',
    ],
    [
      'that asks restored databases with programs in layers',
      `resources: ['${DATABASE}'], ${DAILY}, restoreTest: { ${ASKS} }`,
      `${at('.restoreTest.postgres')}: a task asks, which runs an image, but "aws.databases.package" is zip; allowed: package: image`,
      `  databases: { package: zip, layers: ['arn:aws:lambda:eu-central-1:123456789012:layer:pg:1'] }\n${NETWORK}`,
    ],
  ])('%s is refused with its line', (_, options, fault, aws) => {
    const faults = faultsOf(selecting(options, { aws })).map(withoutColumn);
    expect(faults).toEqual([`holdfast.yaml:9: ${fault}`]);
  });

  test('may ask restored databases in a network of the functions, and of the tasks', () => {
    const options = `resources: ['${DATABASE}'], ${DAILY}, restoreTest: { ${ASKS} }`;
    for (const aws of [NETWORK, NETWORK.replace('tasks', 'databases')])
      expect(faultsOf(selecting(options, { aws }))).toEqual([]);
    expect(faultsOf(selecting(options.replace('[SELECT true]', '[]'), { aws: NETWORK }))).toEqual([
      expect.stringContaining('restoreTest.postgres.checks'),
    ]);
  });

  test('with rare copies needs an account that is known', () => {
    const rare = (resource: string) =>
      faultsOf(
        selecting(
          `resources: ['${resource}'], schedule: 0 5 1 * *, copies: [{ vault: '${ELSEWHERE}' }]`,
        ),
      ).map(withoutColumn);
    expect(rare('arn:aws:s3:::uploads')).toEqual([
      expect.stringMatching(
        /may be in another account, .*allowed: a schedule that comes more often, or a vault in the account of the stack, which "account" names$/,
      ),
    ]);
    // Of what has its account in its ARN, that is the account.
    expect(rare(TABLE)).toEqual([expect.stringMatching(/" is in another account, where only/)]);
  });

  test.each([
    ['continuous backup', `resources: ['${CLUSTER}'], ${DAILY}, continuous: 35d`],
    ['cold storage', `resources: ['${TABLE}'], ${DAILY}, coldAfter: 289d`],
    [
      'copies to another account',
      `resources: ['${TABLE}'], ${DAILY}, keys: ['${KEY}'], copies: [{ vault: '${ELSEWHERE}' }]`,
    ],
    [
      'copies of what the vault itself encrypts',
      `resources: ['arn:aws:s3:::uploads'], ${DAILY}, copies: [{ vault: '${ELSEWHERE}' }]`,
    ],
    [
      'copies once a month in the account of the stack',
      `resources: ['${TABLE}'], schedule: 0 5 1 * *, copies: [{ vault: 'arn:aws:backup:eu-west-1:123456789012:backup-vault:copies' }]`,
    ],
    [
      'copies once a week to another account',
      `resources: ['arn:aws:s3:::uploads'], schedule: 0 3 * * SUN, copies: [{ vault: '${ELSEWHERE}' }]`,
    ],
    ['tests once a week', `resources: ['${TABLE}'], ${DAILY}, restoreTest: { every: 7d }`],
    ['a weekly schedule', `resources: ['${TABLE}'], schedule: 0 3 * * SUN, rpo: 7d`],
  ])('with %s is taken', (_, options) => {
    expect(faultsOf(selecting(options, MINE))).toEqual([]);
  });

  test.each([
    [
      '{ minDays: 9 }',
      'minDays: got 9, but the daily recovery points of "data" are kept for 8 days: AWS Backup would fail their jobs; allowed: at most 8, or a longer retention',
    ],
    [
      '{ maxDays: 365 }',
      'maxDays: got 365, but the monthly recovery points of "data" are kept for 379 days: AWS Backup would fail their jobs; allowed: at least 379, or a shorter retention',
    ],
  ])('that the lock %s would refuse is an error', (lock, fault) => {
    const text = selecting(`resources: ['${TABLE}'], ${DAILY}`).replace(
      '    selections:',
      `    lock: ${lock}\n    selections:`,
    );
    expect(faultsOf(text).map(withoutColumn)).toEqual([
      `holdfast.yaml:8: aws.recoveryPoints.lock.${fault}`,
    ]);
  });

  test('makes names on AWS longer', () => {
    const text = selecting(`resources: ['${TABLE}'], ${DAILY}`).replace(
      'system: my-site',
      `system: ${'a'.repeat(32)}`,
    );
    expect(faultsOf(text)).toEqual([
      expect.stringContaining('allowed: at most 31 characters together with "aws.recoveryPoints"'),
    ]);
  });

  test('of what belongs to another account is refused', () => {
    const text = selecting(`resources: ['${TABLE}'], ${DAILY}`, {
      aws: `  account: '999999999999'\n`,
    });
    expect(faultsOf(text).map(withoutColumn)).toEqual([
      `holdfast.yaml:9: ${at('.resources[0]')}: "${TABLE}" belongs to the account 123456789012, and the stack to 999999999999; allowed: what belongs to the account of the stack`,
    ]);
  });

  test('has no name of a source, because records and metrics name both alike', () => {
    const text = selecting(`resources: ['${TABLE}'], ${DAILY}`, { name: 'assets' });
    expect(faultsOf(text).map(withoutColumn)).toEqual([
      'holdfast.yaml:9: aws.recoveryPoints.selections.assets: "assets" is the name of a source, too, and records and metrics name both alike; allowed: a name that no source has',
    ]);
  });

  test('of a resource that AWS Backup is not asked to protect is refused', () => {
    const text = selecting(`resources: ['arn:aws:sqs:eu-central-1:123456789012:jobs'], ${DAILY}`);
    expect(faultsOf(text)).toEqual([
      expect.stringContaining('allowed: the ARN of a DynamoDB table, an RDS instance'),
    ]);
  });
});

function withoutColumn(fault: string): string {
  return fault.replace(/^(holdfast\.yaml:\d+):\d+/, '$1');
}
