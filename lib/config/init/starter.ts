// The commented holdfast.yaml that `holdfast init` writes for what it found. Pure: it returns text.
import { DEFAULT_RETENTION } from '../../policy/retention-policy.ts';
import type { FoundFolder } from './detect.ts';
import {
  BACKUPS_PREFIX,
  INCIDENTS_PREFIX,
  RECORDS_PREFIX,
  sourcePrefix,
  verbPrefix,
} from '../../format/layout.ts';
import { sourceNames, sourcesText, type SourceOptions } from './starter-sources.ts';
import { quoted } from './yaml-text.ts';

/** What `init` decided besides what was found. */
export interface StarterOptions extends SourceOptions {
  readonly system: string;
  /** A folder or a URL, as the file shall write it. */
  readonly store: string;
  /** Where the private key was written, as the file shall write it: `~/.config/holdfast/site.key`. */
  readonly keyPath: string;
  /** SPKI DER in base64. */
  readonly publicKey: string;
  /** What people shall call the key, such as the name of this machine. */
  readonly keyName: string;
}

const STORE_IN_FOLDER = `# Where backups go. A folder inside the site is left out of its own backups, but lost with its disk: another disk is better.`;
const STORE_ON_AWS = `# Where backups go: a bucket that the stack makes, versioned, encrypted and locked.`;

const STACK = `
# What \`npx holdfast deploy\` makes: the bucket, the functions that prove and prune backups, and the alarms.
aws:
  lock: { mode: governance, days: 14 } # nobody can delete a backup for so long
  # What AWS Backup protects in a locked vault: tables, clusters, file systems, volumes, large buckets; for example:
  # recoveryPoints:
  #   selections:
  #     uploads:
  #       resources: ['arn:aws:s3:::my-uploads']
  #       schedule: '0 5 * * *'
  #       rpo: 24h
  #       rto: 4h

# Whom the functions tell. Each address confirms once, by the e-mail that AWS sends.
notify:
  email: []
`;

/** What the key of this machine may vouch for: on AWS not for proofs, which the functions sign with keys of their own. */
export function prefixesOfKey(onAws: boolean, sources: readonly string[]): string[] {
  if (!onAws) return [BACKUPS_PREFIX, RECORDS_PREFIX, INCIDENTS_PREFIX];
  const records = ['backup', 'restore', 'pin', 'unpin'].map(verbPrefix);
  return [...sources.map(sourcePrefix), ...records, INCIDENTS_PREFIX];
}

/** `machine` as the name of a key: it may hold what that may not. */
export function keyNameOf(machine: string): string {
  return (
    machine
      .replace(/[^A-Za-z0-9]+/g, '-')
      .replace(/^-/, '')
      .slice(0, 63) || 'key'
  );
}

function head(options: StarterOptions, prefixes: readonly string[]): string {
  return `# yaml-language-server: $schema=./node_modules/holdfast/holdfast.schema.json
# What Holdfast protects. Check it with \`holdfast config validate\`; docs/configuration.md describes every option.
version: 1
system: ${quoted(options.system)}

${options.onAws ? STORE_ON_AWS : STORE_IN_FOLDER}
store: ${quoted(options.store)}
# capacity: 20 GiB   # \`holdfast status\` compares what is stored with it
${options.onAws ? STACK : ''}
# Signs every backup. This is where the private key is, never the key itself: keep a copy of that file somewhere else.
signing:
  key: ${quoted(`file:${options.keyPath}`)}

# The keys whose signatures count, and for what. Without the public key here, no backup would be believed.
trust:
  - name: ${quoted(keyNameOf(options.keyName))}
    publicKey: ${quoted(options.publicKey)}
    prefixes: [${prefixes.map(quoted).join(', ')}]
`;
}

/** The text of holdfast.yaml for what was found. It passes `holdfast config validate` as it stands. */
export function starterConfig(found: FoundFolder, options: StarterOptions): string {
  return `${head(options, prefixesOfKey(options.onAws, sourceNames(found)))}
sources:
${sourcesText(found, options)}
# Which good backups are kept. The newest three stay in any case.
retention:
  daily: ${DEFAULT_RETENTION.daily}
  weekly: ${DEFAULT_RETENTION.weekly}
  monthly: ${DEFAULT_RETENTION.monthly}

prune:
  afterBackup: true
`;
}
