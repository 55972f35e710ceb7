// The one schema of holdfast.yaml: its shape, its defaults and what each option means. Validation, the JSON Schema for editors and
// docs/configuration.md all come from here. What concerns several options at once is in the rules.
import * as z from 'zod';

import { EXAMPLE_PUBLIC_KEY } from './example.ts';
import { DURATION, SIZE } from './units.ts';

/** A name that is safe in keys, file names and addresses. */
const SYSTEM = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
// A source does not begin with a digit, because objects sort keys such as "7" before all others.
const SOURCE = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const PATH = /^(?!~[^/])[^\0]+$/;
const REFERENCE =
  /^(env:[A-Za-z_][A-Za-z0-9_]*|file:(?!~[^/])[^\0]+|ssm:\/[\w./-]+|secret:[\w/+=.@:-]+)$/;
const PREFIX = /^(backups|records|reports)\/([A-Za-z0-9][A-Za-z0-9._-]*\/){0,2}$/;

// The title says what is allowed: messages and the documentation both quote it.
// The example is what a rule that looks at the rest of the file takes in place of a faulty value.
const text = (pattern: RegExp, allowed: string, example?: string) => {
  const schema = z.string().regex(pattern).meta({ title: allowed });
  return example === undefined ? schema : schema.meta({ examples: [example] });
};
const duration = () => text(DURATION, 'a duration such as 90m, 24h or 7d');
const positiveDuration = () => duration().regex(/[1-9]/);
const timeZone = () =>
  text(/^[A-Za-z][A-Za-z0-9_+/-]*$/, 'a time zone such as UTC or Europe/Berlin');
const count = () => z.int().min(0).max(10_000);
const globs = () =>
  z.array(
    text(
      /^[^\0]{1,1024}$/,
      'a glob relative to the path of the source, such as logs/** or *.tmp',
      '*.tmp',
    ),
  );

const rules = {
  daily: count().describe(
    'How many days keep their newest backup. Only days that have a good backup count.',
  ),
  weekly: count().describe('How many ISO weeks keep their newest backup.'),
  monthly: count().describe('How many months keep their newest backup.'),
  yearly: count().describe('How many years keep their newest backup.'),
  last: count().describe(
    'How many of the newest backups are kept, whatever their time. The newest 3 good ones are kept in any case.',
  ),
  within: duration().describe('Everything newer than this is kept.'),
  timeZone: timeZone().describe(
    'Where days, weeks, months and years begin. UTC has no day of 23 or 25 hours, so every place counts alike.',
  ),
};

const retention = z.strictObject({
  daily: rules.daily.default(7),
  weekly: rules.weekly.default(4),
  monthly: rules.monthly.default(12),
  yearly: rules.yearly.default(0),
  last: rules.last.default(0),
  within: rules.within.default('0d'),
  timeZone: rules.timeZone.default('UTC'),
});

const restoreTest = z.strictObject({
  every: z
    .enum(['backup', 'day', 'week', 'month', 'quarter', 'never'])
    .default('month')
    .describe(
      'How often a backup is restored to a scratch place and compared with what was recorded; `status` says when a test is overdue. A backup that was never restored is a hope, and monthly is cheap.',
    ),
});

const whatIsRead = {
  kind: z.literal('files').describe('What is protected: a folder of files.'),
  path: text(PATH, 'a folder: absolute, relative to this file, or from ~', '.').describe(
    'The folder that is backed up. The store may lie inside it: it is left out of the backup by itself.',
  ),
  include: globs()
    .min(1)
    .default(['**'])
    .describe(
      'What is backed up. A pattern is matched from the path of the source; one that names a folder takes all that is in it. `*` matches names that begin with a dot, too.',
    ),
  exclude: globs()
    .default([])
    .describe(
      'What is left out, and wins over `include`. A pattern without a slash matches a name at any depth (`node_modules`), one with a slash is matched from the path of the source (`public/cache`); a folder that matches is left out with all that is in it.',
    ),
  gitignore: z
    .boolean()
    .default(false)
    .describe(
      'Leave out what the .gitignore files name. Off, because what is not in git is often just what only a backup has.',
    ),
  secrets: z
    .enum(['exclude', 'include'])
    .default('exclude')
    .describe(
      'Whether `.env` files, private keys and other files that hold secrets are backed up. Left out by default, and reported, because who reads a backup would read them; `.env.example` and the like are kept.',
    ),
  oneFileSystem: z
    .boolean()
    .default(false)
    .describe(
      'Stay on the file system of `path`. Off, because a mounted folder that is silently missing is a worse surprise than one that is there.',
    ),
  tolerate: globs()
    .default([])
    .describe(
      'Paths whose problems (changed while read, vanished, unreadable) are listed but do not make a backup partial: live logs, caches.',
    ),
  allowEmpty: z
    .boolean()
    .default(false)
    .describe(
      'Whether a source without any file is fine. Off, because an empty folder is most often a disk that is not mounted.',
    ),
};

const howItIsStored = {
  times: z
    .enum(['recorded', 'content'])
    .default('recorded')
    .describe(
      'With `content`, the archive holds no modification times, so that a fresh checkout of the same content gives the same archive: the choice for CI.',
    ),
  compression: z
    .enum(['fast', 'default', 'small', 'zstd', 'none'])
    .default('default')
    .describe(
      'How hard gzip tries; `zstd` is faster and smaller but writes `.tar.zst`, which needs zstd to restore by hand; `none` stores the bytes as they are. What does not compress is stored in any case.',
    ),
};

const whenAndProof = {
  schedule: text(
    /^\S+( \S+){4}$/,
    'five cron fields such as 0 2 * * * (minute hour day month weekday)',
  )
    .optional()
    .describe(
      'When a backup is due. Without one, the source is backed up when somebody asks, and it can have no RPO.',
    ),
  timeZone: timeZone()
    .default('UTC')
    .describe(
      'The time zone of `schedule`. In zones whose clocks change, one day of the year has 25 hours.',
    ),
  rpo: positiveDuration()
    .optional()
    .describe(
      'Recovery point objective: how much work may be lost at most. The longest interval of `schedule` must not exceed it.',
    ),
  rto: positiveDuration()
    .optional()
    .describe(
      'Recovery time objective: how long a recovery may take. Restore tests are measured against it.',
    ),
  grace: duration()
    .default('2h')
    .describe(
      'How long beyond the interval of `schedule` a backup may be missing before that counts as a failure. Two hours let a slow run finish.',
    ),
  restoreTest: restoreTest.prefault({}).describe('When backups of this source are test-restored.'),
  afterRestore: z
    .array(text(/^[^\0]*\S[^\0]*$/, 'a command line', 'npm ci'))
    .default([])
    .describe(
      'Commands that prove that what was restored works, such as `npm ci` and `npm run build`. They run in the restored folder, one after the other, only when a restore or a restore test asks for them.',
    ),
  retention: z
    .strictObject(rules)
    .partial()
    .optional()
    .describe('What differs for this source from the retention of the system.'),
};

const trustedKey = z.strictObject({
  name: text(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    'a name of letters, digits and ._-',
    'laptop',
  ).describe('What people call the key: a machine, a pipeline, a person.'),
  publicKey: text(
    /^[^\0]+$/,
    'an ECDSA P-256 public key: SPKI as base64 on one line, or a PEM block',
    EXAMPLE_PUBLIC_KEY,
  ).describe('The public half of the key, as `holdfast init` prints it.'),
  prefixes: z
    .array(
      text(
        PREFIX,
        'backups/, records/ or reports/, with up to two more parts, ending in a slash',
        'backups/',
      ),
    )
    .min(1)
    .meta({ examples: [['backups/', 'records/']] })
    .describe(
      'What the key may vouch for: a signature counts only on keys of the store that begin with one of these, such as `backups/site/` or `records/verify/`.',
    ),
});

/** The shape of holdfast.yaml. Parsing fills in every default; values stay as they are written. */
export const configSchema = z
  .strictObject({
    version: z.literal(1).describe('The version of this file’s format.'),
    system: text(SYSTEM, '1 to 63 of a-z, 0-9 and -, no - at either end', 'my-site').describe(
      'The name of what this file describes. It is signed into every backup, so that no backup of another system is taken for one of this.',
    ),
    store: text(PATH, 'a folder: absolute, relative to this file, or from ~', './backups').describe(
      'Where backups go. A folder inside a source is fine, it is left out of the backup; a folder on another disk survives more.',
    ),
    capacity: z
      .union([z.string().regex(SIZE), z.int().min(1)])
      .meta({ title: 'a size such as 500 MB or 20 GiB, or a number of bytes' })
      .optional()
      .describe(
        'How much the store may hold. `status` compares what is stored with it; nothing is deleted because of it.',
      ),
    signing: z
      .strictObject({
        key: text(
          REFERENCE,
          'a reference to the key: file:PATH, env:NAME, ssm:/NAME or secret:NAME',
          'file:~/.config/holdfast/my-site.key',
        ).describe(
          'Where the private key is: a reference, never the key itself. `ssm:` and `secret:` work inside AWS functions only.',
        ),
      })
      .optional()
      .describe(
        'The key that signs what this machine writes. A machine that only restores needs none.',
      ),
    trust: z
      .array(trustedKey)
      .default([])
      .describe(
        'The keys whose signatures count. What none of them signed is not taken for a backup.',
      ),
    sources: z
      .record(
        text(SOURCE, 'a letter, then up to 62 of a-z, 0-9 and -'),
        z.strictObject({ ...whatIsRead, ...howItIsStored, ...whenAndProof }),
      )
      .refine((sources) => Object.keys(sources).length > 0)
      .meta({ minProperties: 1, examples: [{ site: { kind: 'files', path: '.' } }] })
      .describe(
        'What is protected, by name. Paths of sources may overlap: a site may have `site` with everything and `content` with a part of it.',
      ),
    retention: retention
      .prefault({})
      .describe(
        'Which good backups are kept. A backup is kept when any rule wants it; every kept one says why.',
      ),
    prune: z
      .strictObject({
        afterBackup: z
          .boolean()
          .default(true)
          .describe(
            'Whether a successful backup applies the retention policy, so that a store does not fill up unnoticed.',
          ),
      })
      .prefault({})
      .describe('When the retention policy is applied.'),
  })
  .meta({ title: 'holdfast.yaml' })
  .describe('What Holdfast protects, where backups go and how long they are kept.');

/** What a valid file says, with every default filled in and values as they are written (`24h`, `~/x`). */
export type ConfigShape = z.output<typeof configSchema>;
export type SourceShape = ConfigShape['sources'][string];
export type RetentionShape = ConfigShape['retention'];
