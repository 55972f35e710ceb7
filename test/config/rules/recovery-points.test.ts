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
            ...{ subnetGroup: undefined, securityGroups: [], database: undefined },
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
      'with a schedule that is none',
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
