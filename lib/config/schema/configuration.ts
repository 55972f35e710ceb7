// The one schema of holdfast.yaml: its shape, its defaults and what each option means. Validation, the JSON Schema for editors and
// docs/configuration.md all come from here. What concerns several options at once is in the rules.
import * as z from 'zod/mini';

import { aws } from './aws.ts';
import { CHECKPOINT_EVENT, INCIDENT_EVENTS } from '../../format/layout.ts';
import { STORE_URL_FORMS } from '../../names/store-place.ts';
import { EXAMPLE_PUBLIC_KEY } from './example.ts';
import { notify } from './notify.ts';
import { otherDatabases } from './other-databases.ts';
import { retention } from './retention.ts';
import { means, PATH, size, text } from './values.ts';
import { source } from './source.ts';

/** A name that is safe in keys, file names and addresses. */
const SYSTEM = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
// A source does not begin with a digit, because objects sort keys such as "7" before all others.
const SOURCE = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const PREFIX = /^(backups|records|incidents|reports)\/([A-Za-z0-9][A-Za-z0-9._-]*\/){0,2}$/;
const KEY =
  /^(env:[A-Za-z_][A-Za-z0-9_]*|file:(?!~[^/])[^\0]+|ssm:\/[\w./-]+|secret:[\w/+=.@:-]+|kms:[\w:/-]+)$/;

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
          'backups/, records/, incidents/ or reports/, with up to two more parts, ending in a slash',
          'backups/',
        ),
      )
      .check(z.minLength(1))
      .register(z.globalRegistry, { examples: [['backups/', 'records/', 'incidents/']] }),
    'What the key may vouch for: a signature counts only on keys of the store that begin with one of these, such as `backups/site/` or `records/verify/`.',
  ),
  events: means(
    z.optional(z.array(z.enum([...INCIDENT_EVENTS, CHECKPOINT_EVENT])).check(z.minLength(1))),
    'What the key may vouch for in incidents, where it may vouch for `incidents/`; everything otherwise. `[acknowledged, noted, resolved]` is for somebody who only responds.',
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
        text(
          PATH,
          `a folder: absolute, relative to this file, or from ~; or ${STORE_URL_FORMS}`,
          './backups',
        ),
        'Where backups go. A folder inside a source is fine, it is left out of the backup; a store on another disk or another machine survives more.',
      ),
      capacity: means(
        z.optional(size()),
        'How much the store may hold. `status` compares what is stored with it; nothing is deleted because of it.',
      ),
      signing: means(
        z.optional(
          z.strictObject({
            key: means(
              text(
                KEY,
                'a reference to the key: file:PATH, env:NAME, ssm:/NAME, secret:NAME or kms:KEY',
                'file:~/.config/holdfast/my-site.key',
              ),
              'Where the private key is: a reference, never the key itself. `kms:` names a key of AWS KMS (an alias or an ARN; ECC_NIST_P256, SIGN_VERIFY), whose private half never leaves it.',
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
          .record(text(SOURCE, 'a letter, then up to 62 of a-z, 0-9 and -'), source)
          .check(z.refine((sources) => Object.keys(sources).length > 0))
          .register(z.globalRegistry, {
            minProperties: 1,
            examples: [{ site: { kind: 'files', path: '.' } }],
          }),
        'What is protected, by name. Paths of sources may overlap: a site may have `site` with everything and `content` with a part of it.',
      ),
      otherDatabases: means(
        z.prefault(otherDatabases, {}),
        'What backs up the databases that are no sources: by engine, the name of the source of kind `files` with their dumps, or `elsewhere`. `doctor` warns of a database that the files of the site name and that nothing here speaks for, and of dumps that are old.',
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
      aws: means(
        z.optional(aws),
        'What `holdfast deploy` makes. With it, functions back up the sources that AWS can reach, prove the backups and raise the alarm; the region is that of the store.',
      ),
      notify: means(z.prefault(notify, {}), 'Who gets a message when something is wrong, and how.'),
    })
    .register(z.globalRegistry, { title: 'holdfast.yaml' }),
  'What Holdfast protects, where backups go and how long they are kept.',
);

/** What a valid file says, with every default filled in and values as they are written (`24h`, `~/x`). */
export type ConfigShape = z.output<typeof configSchema>;
export type SourceShape = ConfigShape['sources'][string];
export type SourceShapeOf<Kind extends SourceShape['kind']> = Extract<SourceShape, { kind: Kind }>;
export type RetentionShape = ConfigShape['retention'];
export type SelectionShape = NonNullable<
  NonNullable<ConfigShape['aws']>['recoveryPoints']
>['selections'][string];
