// The shape of a source: what every kind has, and what each kind has of its own.
import * as z from 'zod/mini';

import { DEFAULT_GRACE_MS } from '../../policy/freshness.ts';
import { retentionRules } from './retention.ts';
import {
  PATH,
  account,
  duration,
  means,
  positiveDuration,
  reference,
  referenceOr,
  region,
  size,
  text,
  timeZone,
} from './values.ts';
import { formatDuration } from '../units.ts';

const glob = () =>
  text(
    /^[^\0]{1,1024}$/,
    'a glob relative to the path of the source, such as logs/** or *.tmp',
    '*.tmp',
  );

const restoreTest = z.strictObject({
  every: means(
    z._default(z.enum(['backup', 'day', 'week', 'month', 'quarter', 'never']), 'month'),
    'How often a backup is restored to a scratch place and compared with what was recorded; `status` says when a test is overdue. A backup that was never restored is a hope, and monthly is cheap. In a stack, `backup` means every day, and then the newest good backup alone.',
  ),
});

const problemsThatDoNotCount = {
  tolerate: means(
    z._default(z.array(glob()), []),
    'Paths whose problems (changed while read, vanished, unreadable, kept by Git LFS, a submodule that is not checked out) are listed but do not make a backup partial: live logs, caches.',
  ),
};

const howItIsStored = {
  allowEmpty: means(
    z._default(z.boolean(), false),
    'Whether a source without any file is fine. Off, because an empty folder is most often a disk that is not mounted.',
  ),
  compression: means(
    z._default(z.enum(['default', 'small', 'zstd', 'none']), 'default'),
    'How hard gzip tries; `zstd` is faster and smaller but writes `.tar.zst`, which needs zstd to restore by hand; `none` stores the bytes as they are. What does not compress is stored in any case.',
  ),
};

const whenAndProof = {
  schedule: means(
    z.optional(
      text(/^\S+( \S+){4}$/, 'five cron fields such as 0 2 * * * (minute hour day month weekday)'),
    ),
    'When a backup is due. Days may be L (the last one), 15W (the weekday nearest to the 15th) and 5#2 (the second Friday), which cron itself does not know. Without one, the source is backed up when somebody asks, and it can have no RPO.',
  ),
  timeZone: means(
    z._default(timeZone(), 'UTC'),
    'The time zone of `schedule`. In zones whose clocks change, one day of the year has 25 hours.',
  ),
  rpo: means(
    z.optional(positiveDuration()),
    'Recovery point objective: how much work may be lost at most. The longest interval of `schedule` must not exceed it.',
  ),
  rto: means(
    z.optional(positiveDuration()),
    'Recovery time objective: how long a recovery may take. Restore tests are measured against it.',
  ),
  grace: means(
    z._default(duration(), formatDuration(DEFAULT_GRACE_MS)),
    'How long beyond the interval of `schedule` a backup may be missing before that counts as a failure. Two hours let a slow run finish.',
  ),
  dropPercent: means(
    z._default(z.int().check(z.minimum(1), z.maximum(99)), 50),
    'How much may be gone since the backup before, in percent, until that is noted and `status` says so: of all bytes, files or rows, and of the rows of each table that had a hundred.',
  ),
  restoreTest: means(z.prefault(restoreTest, {}), 'When backups of this source are test-restored.'),
  heartbeat: means(
    z.optional(reference('a URL', 'env:SITE_HEARTBEAT')),
    'Where a URL of its own is, in the form of `notify.heartbeat`: it is called after each backup from the command line, and only while this source is well.',
  ),
  retention: means(
    z.optional(z.partial(z.strictObject(retentionRules))),
    'What differs for this source from the retention of the system.',
  ),
};

// A database has no folder in which a command could run: `checks` asks it instead.
const afterwards = {
  afterRestore: means(
    z._default(z.array(text(/^[^\0]*\S[^\0]*$/, 'a command line', 'npm ci')), []),
    'Commands that prove that what was restored works, such as `npm ci` and `npm run build`. They run in the restored folder, one after the other, when a restore asks for them by `--run-configured`.',
  ),
};

const common = { ...howItIsStored, ...whenAndProof };
const commonOfFolders = { ...problemsThatDoNotCount, ...common, ...afterwards };

const files = z.strictObject({
  kind: means(z.literal('files'), 'What is protected: a folder of files.'),
  path: means(
    text(PATH, 'a folder: absolute, relative to this file, or from ~', '.'),
    'The folder that is backed up. The store may lie inside it: it is left out of the backup by itself.',
  ),
  include: means(
    z._default(z.array(glob()).check(z.minLength(1)), ['**']),
    "What is backed up. A pattern is matched from the path of the source; one that names a folder takes all that is in it. `*` matches names that begin with a dot, too. `['**', .env]` is everything, and `.env` although it is a secret; `[.env]` alone would be that file and nothing else.",
  ),
  exclude: means(
    z._default(z.array(glob()), []),
    'What is left out, and wins over `include`. A pattern without a slash matches a name at any depth (`node_modules`), one with a slash is matched from the path of the source (`public/cache`); a folder that matches is left out with all that is in it.',
  ),
  gitignore: means(
    z._default(z.boolean(), false),
    'Leave out what git ignores by the .gitignore files and `.git/info/exclude`; what git tracks is taken in any case, and the excludes of a single user are not read. Off, because what is not in git is often just what only a backup has.',
  ),
  secrets: means(
    z._default(z.enum(['exclude', 'include']), 'exclude'),
    "Whether `.env` files, private keys and other files that exist to keep a secret are backed up. Left out by default, and reported, because who reads a backup would read them; `.env.example`, and variables that are all public, are kept. Settings with a password in them, such as `wp-config.php`, are always kept, and noted. What `include` names exactly is taken in any case: `include: ['**', .env]`.",
  ),
  oneFileSystem: means(
    z._default(z.boolean(), false),
    'Stay on the file system of `path`. Off, because a mounted folder that is silently missing is a worse surprise than one that is there.',
  ),
  times: means(
    z._default(z.enum(['recorded', 'content']), 'recorded'),
    'With `content`, the archive holds no modification times, so that a fresh checkout of the same content gives the same archive: the choice for CI.',
  ),
  ...commonOfFolders,
});

// What a function that reads it knows without being told; the path of a source is the top of a bucket or of a repository.
const chosenPaths = (what: string) => ({
  include: means(
    z._default(z.array(glob()).check(z.minLength(1)), ['**']),
    `Which ${what} are backed up. A pattern that names a folder takes all that is in it.`,
  ),
  exclude: means(
    z._default(z.array(glob()), []),
    `Which ${what} are left out; it wins over \`include\`. A pattern without a slash matches a name at any depth.`,
  ),
});

const onDeployment = means(
  z._default(
    z.array(
      text(
        /^((codepipeline|codedeploy|amplify|ecs):[A-Za-z0-9._-]{1,255}|event)$/,
        'codepipeline:NAME, codedeploy:APPLICATION, amplify:APP-ID, ecs:SERVICE or event',
        'event',
      ),
    ),
    [],
  ),
  'Deployments after which a backup is made, as AWS reports them; `event` is one that any pipeline puts on the event bus. To have a backup *before* a deployment, let the pipeline run `holdfast trigger --wait`.',
);

const runOn = (does: string) =>
  means(
    z._default(z.enum(['function', 'task']), 'function'),
    `What of the stack ${does}. A function has 15 minutes, 10 GiB of disk, and costs nothing while it does not run; a \`task\` has a day and up to 200 GiB on Fargate, and needs \`aws.tasks.vpc\` or \`aws.databases.vpc\`.`,
  );

const bucket = z.strictObject({
  kind: means(z.literal('bucket'), 'What is protected: the objects of an S3 bucket.'),
  bucket: means(
    text(
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      'the name of a bucket: 3 to 63 of a-z, 0-9, . and -',
      'my-assets',
    ),
    'The bucket. Backups are archives: buckets too large to be read as a whole within a day belong to S3 replication.',
  ),
  prefix: means(
    z._default(text(/^([^\0/][^\0]{0,1000}\/)?$/, 'the beginning of keys, ending in a slash'), ''),
    'Only keys that begin with this are backed up. It is not part of the paths in the archive.',
  ),
  ...chosenPaths('objects'),
  region: means(z.optional(region()), 'Where the bucket is, when not in the region of the store.'),
  account: means(
    z.optional(account()),
    'The account that must own the bucket, so that no other bucket of this name is ever read.',
  ),
  runOn: runOn('backs it up, verifies and test-restores it'),
  onDeployment,
  ...commonOfFolders,
});

const github = z.strictObject({
  kind: means(z.literal('github'), 'What is protected: a repository on GitHub, at a commit.'),
  repository: means(
    text(
      /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9._-]{1,100}$/,
      'OWNER/NAME of a repository',
      'owner/name',
    ),
    'The repository. Its files at one commit are backed up, not its history.',
  ),
  ref: means(
    z.optional(text(/^(?![/-])[\w./-]{1,255}$/, 'a branch, a tag or a commit')),
    'What is backed up; without it, the default branch.',
  ),
  token: means(
    z.optional(reference('a token', 'secret:github-token')),
    'A token that may read the repository; a public one needs none. Functions read `ssm:` and `secret:`.',
  ),
  api: means(
    z._default(
      text(/^https?:\/\/[^\s/?#@]+(\/[^\s?#]*[^\s?#/])?$/, 'a URL without a slash at the end'),
      'https://api.github.com',
    ),
    'Where the REST API is; `https://HOST/api/v3` for GitHub Enterprise Server.',
  ),
  ...chosenPaths('files'),
  onDeployment,
  ...commonOfFolders,
});

const parameters = z.strictObject({
  kind: means(
    z.literal('parameters'),
    'What is protected: parameters of AWS Systems Manager, and what secrets there are.',
  ),
  paths: means(
    z._default(z.array(text(/^\/([\w.-]+\/)*$/, 'a path such as /my-site/', '/my-site/')), []),
    'Paths of parameters: everything below each is backed up.',
  ),
  secretNames: means(
    z._default(
      z.array(text(/^[\w/+=.@-]{1,512}$/, 'the beginning of a name of secrets', 'my-site/')),
      [],
    ),
    'The beginnings of names of secrets in Secrets Manager: their names and versions are recorded.',
  ),
  secrets: means(
    z._default(z.enum(['exclude', 'include']), 'exclude'),
    'Whether the values of SecureString parameters and of secrets are backed up, too. Left out by default, because who reads a backup would read them.',
  ),
  region: means(z.optional(region()), 'Where they are, when not in the region of the store.'),
  onDeployment,
  ...commonOfFolders,
});

const names = (allowed: string, example: string) =>
  z._default(z.array(text(/^[^\0]{1,200}$/, allowed, example)), []);
const A_SCHEMA = 'the name of a schema, as it is';
const A_TABLE = 'schema.table, without quotes and patterns';

const server = z.strictObject({
  host: means(
    z.optional(
      text(/^[A-Za-z0-9_.:-]{1,253}$/, 'the name or the address of a host', 'db.example.com'),
    ),
    'The host of the server.',
  ),
  port: means(z.optional(z.int().check(z.minimum(1), z.maximum(65_535))), 'Its port.'),
  database: means(
    z.optional(text(/^[^\0]{1,63}$/, 'the name of a database', 'app')),
    'The name of the database.',
  ),
  user: means(
    z.optional(text(/^[^\0]{1,63}$/, 'the name of a role', 'holdfast_reader')),
    'The role that connects.',
  ),
  sslmode: means(
    z.optional(z.enum(['disable', 'require', 'verify-ca', 'verify-full'])),
    'How the connection is encrypted, as libpq calls it. `verify-full` unless given, for tokens of IAM and for secrets of RDS; the certificates of RDS come with Holdfast.',
  ),
  resourceId: means(
    z.optional(
      text(
        /^(db|cluster|prx)-[A-Za-z0-9]{1,60}$/,
        'the resource id of an instance, a cluster or a proxy: db-…, cluster-… or prx-…',
        'db-ABCDEFGHIJKL01234',
      ),
    ),
    'Of `connection: iam` in a stack: the one database that its function may connect to. `aws rds describe-db-instances` has it as `DbiResourceId`, `describe-db-clusters` as `DbClusterResourceId`.',
  ),
});

const postgres = z.strictObject({
  kind: means(z.literal('postgres'), 'What is protected: a database of PostgreSQL.'),
  connection: means(
    referenceOr(
      'iam',
      'tokens of AWS',
      'the URL or the secret of the database',
      'env:DATABASE_URL',
    ),
    'Where the URL of the database is kept, `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, or the secret that RDS makes and rotates: JSON with `username` and `password`, and what else it has. With `iam` nothing is kept: RDS takes tokens, which are made for each connection. A pooler must keep sessions: port 6543 of Supabase does not.',
  ),
  server: means(
    z.prefault(server, {}),
    'Where the database is, as far as `connection` does not say so. What stands here goes before what stands there.',
  ),
  schemas: means(
    names(A_SCHEMA, 'public'),
    'Only these schemas are backed up. What they refer to elsewhere, and extensions and large objects, are then not in the backup, and a restore test may not be able to prove it.',
  ),
  excludeSchemas: means(names(A_SCHEMA, 'audit'), 'Schemas that are left out.'),
  tables: means(
    names(A_TABLE, 'public.users'),
    'Only these tables are backed up, with their partitions.',
  ),
  excludeTables: means(
    names(A_TABLE, 'public.sessions'),
    'Tables that are left out, with their definitions and partitions.',
  ),
  binaries: means(
    z.optional(text(PATH, 'a folder: absolute, relative to this file, or from ~', '.')),
    'The folder of pg_dump, psql and pg_dumpall. Without it those on the PATH are used, or the newest in /usr/lib/postgresql. They must not be older than the server.',
  ),
  format: means(
    z._default(z.enum(['plain', 'directory']), 'plain'),
    'How it is dumped. `plain` is one text of SQL, read and restored by one job, in one transaction. `directory` is for large databases: several jobs dump it, and restore it with `pg_restore`, which is faster, needs room on disk for the whole dump (in TMPDIR), and cannot be one transaction.',
  ),
  jobs: means(
    z.optional(z.int().check(z.minimum(1), z.maximum(64))),
    'How many jobs dump a `directory` at once; each is a connection, and two more are needed. Without it as many as the machine has cores, at most 8.',
  ),
  lockWaitTimeout: means(
    z._default(positiveDuration(), '5m'),
    'How long a dump waits for a table that somebody else has locked, as migrations do, before it fails.',
  ),
  timestamps: means(
    names('schema.table.column', 'public.orders.created_at'),
    'Columns whose newest value tells how fresh the data is: it is recorded, and a restore test sets it against the time of the backup.',
  ),
  checks: means(
    z._default(
      z.array(text(/^[^\0]*\S[^\0]*$/, 'a question in SQL', 'SELECT count(*) > 0 FROM users')),
      [],
    ),
    'Questions in SQL that are asked of a restored database. One passes when it gives a row whose first value is neither null nor false nor 0.',
  ),
  maxDatabaseSize: means(
    z._default(size(), '100 GB'),
    'A database that takes more is not dumped: it would take hours to load again. Leave tables out, or use the snapshots of the server beside it.',
  ),
  runOn: runOn('dumps it, verifies and test-restores its dumps'),
  tolerate: means(
    z._default(z.array(z.enum(['globals'])), []),
    'With `globals`, a backup counts as complete although the roles of the server could not be read, as on many managed servers.',
  ),
  ...common,
});

/** A source: its `kind` decides which options it has. */
export const source = z.discriminatedUnion('kind', [files, postgres, bucket, github, parameters]);
