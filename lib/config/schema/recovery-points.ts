// The shape of `aws.recoveryPoints`: what AWS Backup protects, because it is neither a file nor a database that can be dumped.
import * as z from 'zod/mini';

import { RESOURCE_ARN, RESOURCE_KINDS, RESOURCE_TYPES, VAULT_ARN } from '../../names/resources.ts';
import { count, duration, means, positiveDuration, text, timeZone } from './values.ts';

const NAME = /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/;
const DAYS = /^([1-9]\d{0,4}) ?d$/;
const DAYS_ALLOWED = 'a number of days, at least one, such as 3d';
const days = () => text(DAYS, DAYS_ALLOWED);

const EXAMPLE_TABLE = 'arn:aws:dynamodb:eu-central-1:123456789012:table/tasks';
const resourceArn = () =>
  text(
    RESOURCE_ARN,
    'the ARN of a DynamoDB table, an RDS instance, an Aurora cluster, an EFS file system, an EBS volume or a bucket, without *',
    EXAMPLE_TABLE,
  );

const lock = z.strictObject({
  mode: means(
    z._default(z.enum(['governance', 'compliance']), 'governance'),
    'Who may end the lock of the vault: in `governance` mode the roles of `aws.breakGlassRoles`; in `compliance` mode nobody once `graceDays` have passed, neither you nor AWS.',
  ),
  minDays: means(
    z.optional(z.int().check(z.minimum(1), z.maximum(36_500))),
    'The shortest retention that the vault accepts. AWS Backup fails a job whose retention is shorter. Without it, that of the tier which is kept for the shortest time.',
  ),
  maxDays: means(
    z.optional(z.int().check(z.minimum(1), z.maximum(36_500))),
    'The longest retention that the vault accepts. AWS Backup fails a job whose retention is longer. Without it, that of the tier which is kept for the longest time.',
  ),
  graceDays: means(
    z._default(z.int().check(z.minimum(3), z.maximum(36_500)), 14),
    'In `compliance` mode, the days after the first deployment in which the lock can still be changed. Then it is final.',
  ),
});

const retention = z.strictObject({
  daily: means(z.optional(count()), 'How many days keep a recovery point.'),
  weekly: means(z.optional(count()), 'How many ISO weeks keep a recovery point.'),
  monthly: means(z.optional(count()), 'How many months keep a recovery point.'),
  yearly: means(z.optional(count()), 'How many years keep a recovery point.'),
});

const copy = z.strictObject({
  vault: means(
    text(
      VAULT_ARN,
      'the ARN of a backup vault',
      'arn:aws:backup:eu-west-1:123456789012:backup-vault:copies',
    ),
    'The vault that gets a copy of every recovery point, in another region or account. Its policy must admit the copies, and its lock their retention, which is that of the original.',
  ),
});

const postgres = z.strictObject({
  database: means(
    text(/^[^\0]{1,63}$/, 'the name of a database', 'app'),
    'The name of the database on its server.',
  ),
  checks: means(
    z
      .array(text(/^[^\0]*\S[^\0]*$/, 'a question in SQL', 'SELECT count(*) > 0 FROM users'))
      .check(z.minLength(1)),
    'Questions in SQL that are asked of the restored database. One passes when it gives a row whose first value is neither null nor false nor 0.',
  ),
  instanceClass: means(
    z._default(
      text(/^db\.[a-z0-9.-]{2,40}$/, 'a class of instances', 'db.t4g.medium'),
      'db.t4g.medium',
    ),
    'The class of the instance that is added to a restored Aurora cluster for the time of the test. A cluster that is serverless gets `db.serverless` instead.',
  ),
});

const restoreTest = z.strictObject({
  every: means(
    z._default(text(/^([1-9]\d{0,4} ?d|never)$/, `${DAYS_ALLOWED}, or never`), '3d'),
    'How often AWS Backup restores the newest recovery point of each resource to a scratch resource, which is then looked into and deleted. Shorter than the shortest retention, so that no recovery point expires untested.',
  ),
  subnetGroup: means(
    z.optional(text(/^[A-Za-z0-9_. -]{1,255}$/, 'the name of a DB subnet group', 'private')),
    'The subnet group of restored databases. AWS Backup takes the default one otherwise, and fails where there is none.',
  ),
  securityGroups: means(
    z._default(
      z
        .array(text(/^sg-[0-9a-f]{8,17}$/, 'the id of a security group', 'sg-0a1b2c3d'))
        .check(z.maxLength(5)),
      [],
    ),
    'The security groups of restored databases.',
  ),
  postgres: means(
    z.optional(postgres),
    'What is asked of restored databases of PostgreSQL. A task on Fargate, in the network of `aws.tasks.vpc` or `aws.databases.vpc`, gives the restored one a new password, reads every table, and asks the `checks`. Without this, a test proves of RDS and Aurora that they restore.',
  ),
});

const selection = z.strictObject({
  resources: means(
    z._default(z.array(resourceArn()).check(z.maxLength(500)), []),
    'The ARNs of what is protected. Each of them is expected to have recovery points.',
  ),
  tags: means(
    z._default(
      z.record(
        text(/^[^\0]{1,128}$/, 'the key of a tag', 'backup'),
        text(/^[^\0]{0,256}$/, 'the value of a tag', 'daily'),
      ),
      {},
    ),
    'Instead of `resources`: what has all of these tags is protected. `expect` then says what that should be, because a selection that matches nothing makes no noise.',
  ),
  expect: means(
    z.optional(
      z
        .union([
          z.int().check(z.minimum(1), z.maximum(10_000)),
          z.array(resourceArn()).check(z.minLength(1), z.maxLength(500)),
        ])
        .register(z.globalRegistry, {
          title: 'a number of resources, or a list of their ARNs',
          examples: [[EXAMPLE_TABLE]],
        }),
    ),
    'With `tags`: the ARNs that they should match, or how many.',
  ),
  kinds: means(
    z._default(z.array(z.enum(RESOURCE_KINDS)), []),
    `With \`tags\` and a number in \`expect\`: what kinds of resources these are, because roles may do no more than these need. ${RESOURCE_KINDS.map((kind) => `\`${kind}\` is ${RESOURCE_TYPES[kind]}`).join(', ')}.`,
  ),
  keys: means(
    z._default(
      z.array(
        text(
          /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[0-9a-f-]{36}$/,
          'the ARN of a KMS key, such as arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
          'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
        ),
      ),
      [],
    ),
    'The keys of yours by which the resources are encrypted. What is encrypted by a key of AWS cannot be copied to another account.',
  ),
  schedule: means(
    text(/^\S+( +\S+){4}$/, 'five cron fields such as 0 5 * * *', '0 5 * * *'),
    'When recovery points are made: five cron fields, on every day, on one weekday, or on one day of the month.',
  ),
  timeZone: means(z._default(timeZone(), 'UTC'), 'The time zone of the schedule.'),
  rpo: means(
    z.optional(positiveDuration()),
    'How much may be lost: the longest interval of the schedule must not exceed it.',
  ),
  rto: means(
    z.optional(positiveDuration()),
    'How long a restore may take. Restore tests measure it.',
  ),
  grace: means(
    z._default(duration(), '4h'),
    'How much later than scheduled a recovery point may be complete before the alarm goes off. AWS Backup may begin a job up to an hour late.',
  ),
  retention: means(
    z.prefault(retention, {}),
    'How long recovery points are kept; what is not given here is that of `retention` of the file.',
  ),
  continuous: means(
    z.optional(days()),
    'Continuous backup: any moment of this many days can be restored, 35 at most. RDS, Aurora and buckets have it.',
  ),
  coldAfter: means(
    z.optional(days()),
    'After how many days monthly and yearly recovery points move to cold storage, where they stay for at least 90 more. DynamoDB, EFS and EBS have it.',
  ),
  copies: means(
    z._default(z.array(copy).check(z.maxLength(5)), []),
    'Where copies go. Only the copy jobs tell what a vault in another account holds, and AWS Backup keeps them for 30 days: with such copies, the schedule and `grace` together must not be longer than that.',
  ),
  restoreTest: means(z.prefault(restoreTest, {}), 'How restores are proven.'),
});

/** What AWS Backup protects. */
export const recoveryPoints = z.strictObject({
  lock: means(
    z.prefault(lock, {}),
    'What protects recovery points from everybody (AWS Backup Vault Lock).',
  ),
  selections: means(
    z
      .record(text(NAME, 'a letter, then up to 31 of a-z, 0-9 and -', 'database'), selection)
      .check(z.refine((all) => Object.keys(all).length > 0))
      .register(z.globalRegistry, {
        minProperties: 1,
        examples: [{ tables: { resources: [EXAMPLE_TABLE], schedule: '0 5 * * *' } }],
      }),
    'What is protected, by name. No selection has the name of a source.',
  ),
});
