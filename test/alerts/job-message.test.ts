// What people are told of the jobs of AWS Backup: of their own system alone, and only of what they should know.
import { describe, expect, test } from '@jest/globals';
import { isJobEvent, jobChange } from '../../lib/alerts/job-change.ts';
import { isJobWorthTelling, jobMessage } from '../../lib/alerts/job-message.ts';
import { SENDER } from './incident-engine.ts';
import type { Config } from '../../lib/config/config.ts';
import { awsWith, COPY_VAULT, selectionConfig, TABLE } from '../support/watched-points.ts';

const AWS = { region: 'eu-central-1', ...awsWith([selectionConfig()]) };
const CONFIG = { system: 'shop', aws: AWS } as unknown as Config;
const ID = '6B2F9C1A-0D3E-4F5A-8B7C-9D0E1F2A3B4C';
const VAULT = 'arn:aws:backup:eu-central-1:123456789012:backup-vault:holdfast-shop';
const TEST_PLAN =
  'arn:aws:backup:eu-central-1:123456789012:restore-testing-plan:holdfast_shop__tables-6b2f9c1a-0d3e-4f5a-8b7c-9d0e1f2a3b4c';

type Kind = 'Backup' | 'Copy' | 'Restore';

function event(kind: Kind, detail: object): object {
  const own = {
    Backup: { backupJobId: ID, backupVaultArn: VAULT, resourceArn: TABLE },
    Copy: {
      copyJobId: ID,
      sourceBackupVaultArn: VAULT,
      destinationBackupVaultArn: COPY_VAULT,
      resourceArn: TABLE,
    },
    Restore: { restoreJobId: ID, restoreTestingPlanArn: TEST_PLAN, sourceResourceArn: TABLE },
  };
  return {
    source: 'aws.backup',
    'detail-type': `${kind} Job State Change`,
    time: '2026-11-22T05:31:00Z',
    detail: { ...own[kind], ...detail },
  };
}

function told(kind: Kind, detail: object) {
  const change = jobChange(event(kind, detail), CONFIG);
  if (change === undefined || !isJobWorthTelling(change)) return undefined;
  return jobMessage(change, CONFIG, SENDER);
}

describe('a job', () => {
  test('that failed is told with what it means, what to do, and what AWS says', () => {
    const message = told('Backup', { state: 'FAILED', statusMessage: 'Access <denied> for role' });
    expect(message).toEqual({
      subject: '[Holdfast shop] ALARM: the backup job of dynamodb-tasks failed.',
      body: [
        'ALARM: the backup job of dynamodb-tasks failed.',
        '',
        `job      ${ID}`,
        'state    FAILED',
        'system   shop',
        'from     the stack in account 123456789012, eu-central-1',
        'at       2026-11-22 05:31:00 UTC',
        `resource ${TABLE}`,
        '',
        'means    No new recovery point counts: dynamodb-tasks can only be restored to the one before.',
        'next     Read what AWS says below; holdfast doctor looks at rights, opt-ins and the lock of the vault.',
        '         When the cause is gone, holdfast trigger starts a job on demand.',
        'where    Run these commands in the folder with the holdfast.yaml of shop, signed in to account 123456789012, with npx before holdfast.',
        'more     docs/runbook.md#jobs-of-aws-backup',
        '',
        'AWS Backup says: Access ‹denied› for role',
      ].join('\n'),
    });
  });

  test.each([
    ['Backup', { state: 'PARTIAL' }, /ALARM: the backup job of dynamodb-tasks is partial/],
    ['Backup', { state: 'EXPIRED' }, /the backup job of dynamodb-tasks expired: it did not begin/],
    ['Backup', { state: 'ABORTED' }, /was stopped/],
    ['Backup', { state: 'COMPLETED', statusMessage: 'objects left out' }, /completed with issues/],
    ['Backup', { state: 'COMPLETED', messageCategory: 'PARTIAL' }, /completed with issues/],
    ['Backup', { state: 'SLEEPING' }, /WATCH: .* is in a state that is not known here/],
    ['Copy', { state: 'FAILED' }, /ALARM: the copy of dynamodb-tasks failed/],
    ['Restore', { status: 'FAILED' }, /ALARM: the restore test of dynamodb-tasks failed/],
  ] as const)('of a %s with %j is told', (kind, detail, subject) => {
    expect(told(kind, detail)?.subject).toMatch(subject);
  });

  test.each([
    ['Backup', { state: 'CREATED' }],
    ['Backup', { state: 'RUNNING' }],
    ['Backup', { state: 'COMPLETED' }],
    ['Backup', { state: 'COMPLETED', messageCategory: 'SUCCESS', statusMessage: 'all done' }],
    ['Copy', { state: 'COMPLETED' }],
    ['Restore', { status: 'COMPLETED' }],
  ] as const)('of a %s with %j is nothing to tell', (kind, detail) => {
    expect(told(kind, detail)).toBeUndefined();
  });

  test('of a restore that is no test is told when it ends well, too', () => {
    const message = told('Restore', {
      status: 'COMPLETED',
      restoreTestingPlanArn: undefined,
      sourceResourceArn: undefined,
      iamRoleArn: 'arn:aws:iam::123456789012:role/holdfast-shop-eu-central-1-restore-jobs',
      createdResourceArn: `${TABLE}-restored`,
    });
    expect(message?.subject).toBe(
      '[Holdfast shop] NOTE: the restore of dynamodb-tasks-restored has ended.',
    );
  });

  test('that names no resource is told all the same', () => {
    expect(told('Backup', { state: 'FAILED', resourceArn: undefined })?.subject).toContain(
      'a resource that AWS does not name',
    );
  });
});

describe('an event', () => {
  test.each([
    ['Backup', { state: 'FAILED', backupVaultArn: `${VAULT}-2` }],
    ['Copy', { state: 'FAILED', sourceBackupVaultArn: `${VAULT}-2` }],
    ['Restore', { status: 'FAILED', restoreTestingPlanArn: TEST_PLAN.replace('shop', 'other') }],
    ['Restore', { status: 'FAILED', restoreTestingPlanArn: TEST_PLAN.replace('tables', 'files') }],
    ['Restore', { status: 'FAILED', restoreTestingPlanArn: undefined }],
  ] as const)('of a %s that is of another system or plan is not ours: %j', (kind, detail) => {
    const other = event(kind, detail);
    expect(isJobEvent(other)).toBe(true);
    expect(jobChange(other, CONFIG)).toBeUndefined();
  });

  test.each([
    [{}],
    [{ source: 'aws.backup', 'detail-type': 'Recovery Point State Change', detail: {} }],
    [{ ...event('Backup', {}), source: 'mine' }],
    ['text'],
    [undefined],
  ])('that names no job is ignored: %j', (one) => {
    expect(isJobEvent(one)).toBe(false);
    expect(jobChange(one, CONFIG)).toBeUndefined();
  });

  test.each([
    [{ backupJobId: '../x' }],
    [{ backupJobId: undefined }],
    [{ state: undefined }],
    [{ state: 7 }],
  ])('that lacks what it needs is ignored: %j', (detail) => {
    expect(jobChange(event('Backup', { state: 'FAILED', ...detail }), CONFIG)).toBeUndefined();
  });
});
