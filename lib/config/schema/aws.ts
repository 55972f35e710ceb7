// The shape of what concerns AWS: `aws`.
import * as z from 'zod/mini';

import { recoveryPoints } from './recovery-points.ts';
import { account, means, size, text } from './values.ts';

/** How long CloudWatch Logs can keep a log; it takes no other values. */
const LOG_RETENTIONS = [
  ...['1d', '3d', '5d', '7d', '14d', '30d', '60d', '90d', '120d', '150d', '180d', '365d'],
  ...['400d', '545d', '731d', '1096d', '1827d', '2192d', '2557d', '2922d', '3288d', '3653d'],
];

const days = () => text(/^([1-9]\d{0,4}) ?d$/, 'a number of days, at least one, such as 14d');

const roles = (allowed: string, pattern: RegExp) =>
  z._default(z.array(text(pattern, allowed, 'arn:aws:iam::123456789012:role/deploy')), []);

const lock = z.strictObject({
  mode: means(
    z._default(z.enum(['governance', 'compliance']), 'governance'),
    'Who may end a lock early: in `governance` mode the roles of `breakGlassRoles`, in `compliance` mode nobody, neither you nor AWS. What is stored in compliance mode is paid for until its lock ends, whatever happens.',
  ),
  days: means(
    z._default(z.int().check(z.minimum(1), z.maximum(36_500)), 14),
    'How long stored bytes are locked. The lock of everything that is kept is extended every day, so who stops that still leaves you this many days of alarms.',
  ),
});

const arns = (allowed: string, pattern: RegExp, example: string) =>
  z.array(text(pattern, allowed, example));

const vpc = z.strictObject({
  id: means(text(/^vpc-[0-9a-f]{8,17}$/, 'the id of a VPC', 'vpc-0a1b2c3d'), 'The VPC.'),
  subnets: means(
    arns('the id of a subnet', /^subnet-[0-9a-f]{8,17}$/, 'subnet-0a1b2c3d').check(
      z.minLength(1),
      z.maxLength(16),
    ),
    'Private subnets, best in two zones. From them S3, KMS, CloudWatch and the service that keeps the connection must be reachable: by a NAT, or by endpoints. Tasks also fetch their image from there, and write their logs.',
  ),
  securityGroups: means(
    arns('the id of a security group', /^sg-[0-9a-f]{8,17}$/, 'sg-0a1b2c3d').check(
      z.minLength(1),
      z.maxLength(5),
    ),
    'What functions and tasks there belong to: let the group reach out by 443, and where a database is backed up, let it reach the database, and let the database admit the group at its port.',
  ),
});

/** What an image has unless something else is named. */
export const DEFAULT_EXTENSIONS: readonly string[] = ['pgvector'];
export const DEFAULT_LOCALES: readonly string[] = ['en_US.UTF-8'];

const databases = z.strictObject({
  package: means(
    z._default(z.enum(['image', 'zip']), 'image'),
    'What the functions that back up and test databases are made of. `image` is a container image with client, server and extensions, built where `holdfast deploy` runs, by Docker; `zip` needs no Docker, and takes the programs of PostgreSQL from `layers`.',
  ),
  postgres: means(
    z._default(z.literal([17, 18]), 17),
    'The major version of PostgreSQL in the image: at least that of the server.',
  ),
  extensions: means(
    z._default(
      z.array(
        text(
          /^[a-z0-9][a-z0-9+.-]{0,60}$/,
          'the name of a package of Debian, without postgresql-17- before it',
          'cron',
        ),
      ),
      [...DEFAULT_EXTENSIONS],
    ),
    'Extensions in the image beyond those of PostgreSQL itself, as their packages are called behind `postgresql-17-`: `postgis-3`, `cron`, `pgaudit`. A restore test proves nothing of a database whose extensions it lacks.',
  ),
  locales: means(
    z._default(
      z.array(
        text(
          /^[A-Za-z]{2,8}(_[A-Z]{2})?\.[A-Za-z0-9-]{1,20}$/,
          'a locale and its encoding, such as de_DE.UTF-8',
          'de_DE.UTF-8',
        ),
      ),
      [...DEFAULT_LOCALES],
    ),
    'Locales in the image besides `C.UTF-8`: those that databases were made with, which `\\l` of psql shows. Those of ICU need nothing.',
  ),
  layers: means(
    z._default(
      arns(
        'the ARN of a layer version',
        /^arn:aws[\w-]*:lambda:[a-z0-9-]+:\d{12}:layer:[\w-]+:\d+$/,
        'arn:aws:lambda:eu-central-1:123456789012:layer:postgresql:1',
      ).check(z.maxLength(5)),
      [],
    ),
    'Layers of `zip` functions, for arm64, whose `bin` has initdb, postgres, psql, pg_dump and pg_dumpall, and pg_restore for `format: directory`.',
  ),
  vpc: means(
    z.optional(vpc),
    'The network of the functions, for a database that is reachable only there. Without it, they reach what the internet reaches.',
  ),
});

const tasks = z.strictObject({
  vcpus: means(
    z._default(z.literal([1, 2, 4, 8, 16]), 2),
    'Processors of a task; 4 GiB of memory come with each.',
  ),
  disk: means(
    z._default(size(), '200 GiB'),
    'The disk of a task, from 21 to 200 GiB: a restore test needs room for all that it restores, and a dump of the format `directory` for itself.',
  ),
  vpc: means(
    z.optional(vpc),
    'The network in which tasks run. Without it, they run in that of `aws.databases.vpc`.',
  ),
});

/** How the stack is made. */
export const aws = z.strictObject({
  account: means(
    z.optional(account()),
    'The account to deploy to, so that no other is taken by mistake; without it, that of the credentials.',
  ),
  storage: means(
    z._default(z.enum(['create', 'existing']), 'create'),
    'Whether the stack makes the bucket and the keys, or adopts those that an earlier stack of this system has left.',
  ),
  lock: means(z.prefault(lock, {}), 'What protects stored bytes from everybody (S3 Object Lock).'),
  undo: means(
    z._default(days(), '14d'),
    'How long what was released or hidden can be brought back. It adds to the time that backups are kept.',
  ),
  storageClass: means(
    z._default(z.enum(['standard', 'glacier-instant-retrieval']), 'standard'),
    'Where backups go that nothing but their month, their year or a pin keeps. `glacier-instant-retrieval` is read at once like any other, asks a sixth for storage, and for each GB that is read more than a month of storage costs: it is used only where that saves money, which needs `verifyContent: quarter` or rarer. The synthesis says what it saves, or why it is not used.',
  ),
  verifyContent: means(
    z._default(z.enum(['month', 'quarter', 'half-year']), 'month'),
    'How often the content of what is kept is verified again. The first time is always within a month; so this is about what is kept for longer.',
  ),
  reservedConcurrency: means(
    z._default(z.enum(['create', 'off']), 'off'),
    'Whether functions reserve concurrency, so that other functions of the account cannot take it. A new account has a quota of 10 concurrent executions, which leaves none to reserve: deployments with `create` fail there.',
  ),
  acknowledgeUrl: means(
    z._default(z.enum(['auto', 'off']), 'auto'),
    'Whether messages carry a link by which an incident is acknowledged. It leads to a function with a public URL. Strangers can call it, so the stack has it only where `reservedConcurrency: create` keeps one execution for it, and where `notify.sinks` says whom the stack tells.',
  ),
  terminationProtection: means(
    z._default(z.enum(['on', 'off']), 'off'),
    'Whether CloudFormation refuses to delete the stack. Switch it on when the first deployment has succeeded: a first deployment that failed is repeated by deleting what is left of it, which `on` would prevent. The bucket and the keys are kept in any case.',
  ),
  deployingRoles: means(
    roles(
      'the ARN of a role; * stands for any text',
      /^arn:aws[\w-]*:iam::(\d{12}|\*):role\/[\w+=,.@/*-]+$/,
    ),
    'Roles that may change buckets, keys and policies. Without any, those of the CDK bootstrap.',
  ),
  breakGlassRoles: means(
    roles('the ARN of a role', /^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/),
    'Roles that may end a lock in governance mode, for what must not exist.',
  ),
  logRetention: means(
    z._default(z.enum(LOG_RETENTIONS), '90d'),
    'How long the logs of the functions are kept.',
  ),
  databases: means(
    z.prefault(databases, {}),
    'How databases are backed up: what has the programs of PostgreSQL, and in which network it runs.',
  ),
  recoveryPoints: means(
    z.optional(recoveryPoints),
    'What AWS Backup protects in a vault of its own: databases, tables, file systems, volumes and buckets.',
  ),
  tasks: means(
    z.prefault(tasks, {}),
    'What the work of sources with `runOn: task` gets on Fargate.',
  ),
});
