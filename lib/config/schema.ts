// The one schema of holdfast.yaml: its shape, its defaults and what each option means. Validation, the JSON Schema for editors and
// docs/configuration.md all come from here. What concerns several options at once is in the rules.
import * as z from 'zod/mini';

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
  const schema = z.string().check(z.regex(pattern));
  const examples = example === undefined ? {} : { examples: [example] };
  return schema.register(z.globalRegistry, { title: allowed, ...examples });
};

/** The schema itself, with what it means: `describe` would add a copy of each to every start. */
const means = <T extends z.ZodMiniType>(schema: T, description: string): T => {
  z.globalRegistry.add(schema, { ...z.globalRegistry.get(schema), description });
  return schema;
};

const DURATION_ALLOWED = 'a duration such as 90m, 24h or 7d';
const duration = () => text(DURATION, DURATION_ALLOWED);
const positiveDuration = () =>
  z
    .string()
    .check(z.regex(DURATION), z.regex(/[1-9]/))
    .register(z.globalRegistry, { title: DURATION_ALLOWED });
const timeZone = () =>
  text(/^[A-Za-z][A-Za-z0-9_+/-]*$/, 'a time zone such as UTC or Europe/Berlin');
const count = () => z.int().check(z.minimum(0), z.maximum(10_000));
const glob = () =>
  text(
    /^[^\0]{1,1024}$/,
    'a glob relative to the path of the source, such as logs/** or *.tmp',
    '*.tmp',
  );

const rules = {
  daily: means(
    count(),
    'How many days keep a backup: the first good one of each. Only days that have one count.',
  ),
  weekly: means(count(), 'How many ISO weeks keep their first good backup.'),
  monthly: means(count(), 'How many months keep their first good backup.'),
  yearly: means(count(), 'How many years keep their first good backup.'),
  last: means(
    count(),
    'How many of the newest backups are kept, whatever their time. The newest 3 good ones are kept in any case.',
  ),
  within: means(duration(), 'Everything newer than this is kept.'),
  timeZone: means(
    timeZone(),
    'Where days, weeks, months and years begin. UTC has no day of 23 or 25 hours, so every place counts alike.',
  ),
};

const retention = z.strictObject({
  daily: z._default(rules.daily, 7),
  weekly: z._default(rules.weekly, 4),
  monthly: z._default(rules.monthly, 12),
  yearly: z._default(rules.yearly, 0),
  last: z._default(rules.last, 0),
  within: z._default(rules.within, '0d'),
  timeZone: z._default(rules.timeZone, 'UTC'),
});

const restoreTest = z.strictObject({
  every: means(
    z._default(z.enum(['backup', 'day', 'week', 'month', 'quarter', 'never']), 'month'),
    'How often a backup is restored to a scratch place and compared with what was recorded; `status` says when a test is overdue. A backup that was never restored is a hope, and monthly is cheap.',
  ),
});

const whatIsRead = {
  kind: means(z.literal('files'), 'What is protected: a folder of files.'),
  path: means(
    text(PATH, 'a folder: absolute, relative to this file, or from ~', '.'),
    'The folder that is backed up. The store may lie inside it: it is left out of the backup by itself.',
  ),
  include: means(
    z._default(z.array(glob()).check(z.minLength(1)), ['**']),
    'What is backed up. A pattern is matched from the path of the source; one that names a folder takes all that is in it. `*` matches names that begin with a dot, too.',
  ),
  exclude: means(
    z._default(z.array(glob()), []),
    'What is left out, and wins over `include`. A pattern without a slash matches a name at any depth (`node_modules`), one with a slash is matched from the path of the source (`public/cache`); a folder that matches is left out with all that is in it.',
  ),
  gitignore: means(
    z._default(z.boolean(), false),
    'Leave out what the .gitignore files name. Off, because what is not in git is often just what only a backup has.',
  ),
  secrets: means(
    z._default(z.enum(['exclude', 'include']), 'exclude'),
    'Whether `.env` files, private keys and other files that hold secrets are backed up. Left out by default, and reported, because who reads a backup would read them; `.env.example` and the like are kept.',
  ),
  oneFileSystem: means(
    z._default(z.boolean(), false),
    'Stay on the file system of `path`. Off, because a mounted folder that is silently missing is a worse surprise than one that is there.',
  ),
  tolerate: means(
    z._default(z.array(glob()), []),
    'Paths whose problems (changed while read, vanished, unreadable) are listed but do not make a backup partial: live logs, caches.',
  ),
  allowEmpty: means(
    z._default(z.boolean(), false),
    'Whether a source without any file is fine. Off, because an empty folder is most often a disk that is not mounted.',
  ),
};

const howItIsStored = {
  times: means(
    z._default(z.enum(['recorded', 'content']), 'recorded'),
    'With `content`, the archive holds no modification times, so that a fresh checkout of the same content gives the same archive: the choice for CI.',
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
    'When a backup is due. Without one, the source is backed up when somebody asks, and it can have no RPO.',
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
    z._default(duration(), '2h'),
    'How long beyond the interval of `schedule` a backup may be missing before that counts as a failure. Two hours let a slow run finish.',
  ),
  restoreTest: means(z.prefault(restoreTest, {}), 'When backups of this source are test-restored.'),
  afterRestore: means(
    z._default(z.array(text(/^[^\0]*\S[^\0]*$/, 'a command line', 'npm ci')), []),
    'Commands that prove that what was restored works, such as `npm ci` and `npm run build`. They run in the restored folder, one after the other, only when a restore or a restore test asks for them.',
  ),
  retention: means(
    z.optional(z.partial(z.strictObject(rules))),
    'What differs for this source from the retention of the system.',
  ),
};

const trustedKey = z.strictObject({
  name: means(
    text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a name of letters, digits and ._-', 'laptop'),
    'What people call the key: a machine, a pipeline, a person.',
  ),
  publicKey: means(
    text(
      /^[^\0]+$/,
      'an ECDSA P-256 public key: SPKI as base64 on one line, or a PEM block',
      EXAMPLE_PUBLIC_KEY,
    ),
    'The public half of the key, as `holdfast init` prints it.',
  ),
  prefixes: means(
    z
      .array(
        text(
          PREFIX,
          'backups/, records/ or reports/, with up to two more parts, ending in a slash',
          'backups/',
        ),
      )
      .check(z.minLength(1))
      .register(z.globalRegistry, { examples: [['backups/', 'records/']] }),
    'What the key may vouch for: a signature counts only on keys of the store that begin with one of these, such as `backups/site/` or `records/verify/`.',
  ),
});

/** The shape of holdfast.yaml. Parsing fills in every default; values stay as they are written. */
export const configSchema = means(
  z
    .strictObject({
      version: means(z.literal(1), 'The version of this file’s format.'),
      system: means(
        text(SYSTEM, '1 to 63 of a-z, 0-9 and -, no - at either end', 'my-site'),
        'The name of what this file describes. It is signed into every backup, so that no backup of another system is taken for one of this.',
      ),
      store: means(
        text(PATH, 'a folder: absolute, relative to this file, or from ~', './backups'),
        'Where backups go. A folder inside a source is fine, it is left out of the backup; a folder on another disk survives more.',
      ),
      capacity: means(
        z.optional(
          z
            .union([z.string().check(z.regex(SIZE)), z.int().check(z.minimum(1))])
            .register(z.globalRegistry, {
              title: 'a size such as 500 MB or 20 GiB, or a number of bytes',
            }),
        ),
        'How much the store may hold. `status` compares what is stored with it; nothing is deleted because of it.',
      ),
      signing: means(
        z.optional(
          z.strictObject({
            key: means(
              text(
                REFERENCE,
                'a reference to the key: file:PATH, env:NAME, ssm:/NAME or secret:NAME',
                'file:~/.config/holdfast/my-site.key',
              ),
              'Where the private key is: a reference, never the key itself. `ssm:` and `secret:` work inside AWS functions only.',
            ),
          }),
        ),
        'The key that signs what this machine writes. A machine that only restores needs none.',
      ),
      trust: means(
        z._default(z.array(trustedKey), []),
        'The keys whose signatures count. What none of them signed is not taken for a backup.',
      ),
      sources: means(
        z
          .record(
            text(SOURCE, 'a letter, then up to 62 of a-z, 0-9 and -'),
            z.strictObject({ ...whatIsRead, ...howItIsStored, ...whenAndProof }),
          )
          .check(z.refine((sources) => Object.keys(sources).length > 0))
          .register(z.globalRegistry, {
            minProperties: 1,
            examples: [{ site: { kind: 'files', path: '.' } }],
          }),
        'What is protected, by name. Paths of sources may overlap: a site may have `site` with everything and `content` with a part of it.',
      ),
      retention: means(
        z.prefault(retention, {}),
        'Which good backups are kept. A backup is kept when any rule wants it; every kept one says why.',
      ),
      prune: means(
        z.prefault(
          z.strictObject({
            afterBackup: means(
              z._default(z.boolean(), true),
              'Whether a successful backup applies the retention policy, so that a store does not fill up unnoticed.',
            ),
          }),
          {},
        ),
        'When the retention policy is applied.',
      ),
    })
    .register(z.globalRegistry, { title: 'holdfast.yaml' }),
  'What Holdfast protects, where backups go and how long they are kept.',
);

/** What a valid file says, with every default filled in and values as they are written (`24h`, `~/x`). */
export type ConfigShape = z.output<typeof configSchema>;
export type SourceShape = ConfigShape['sources'][string];
export type RetentionShape = ConfigShape['retention'];
