// The commented holdfast.yaml that `holdfast init` writes for what it found. Pure: it returns text.
import { DEFAULT_RETENTION } from '../../policy/retention-policy.ts';
import type { FoundFolder } from './detect.ts';
import { BACKUPS_PREFIX, RECORDS_PREFIX, sourcePrefix, verbPrefix } from '../../format/layout.ts';

/** What `init` decided besides what was found. */
export interface StarterOptions {
  readonly system: string;
  /** A folder or a URL, as the file shall write it. */
  readonly store: string;
  /** Whether functions on AWS shall look after the store. */
  readonly onAws: boolean;
  /** Where the private key was written, as the file shall write it: `~/.config/holdfast/site.key`. */
  readonly keyPath: string;
  /** SPKI DER in base64. */
  readonly publicKey: string;
  /** What people shall call the key, such as the name of this machine. */
  readonly keyName: string;
  /** Set when the folder holds the key, as a home folder does: the folder of keys, relative, which every source leaves out. */
  readonly keysInside?: string | undefined;
}

// What a build makes again, by kind. A name without a slash is left out at any depth; `out/**` at the top alone.
const REBUILT = {
  nextjs: ['node_modules', '.next', 'out/**', 'coverage/**', '.turbo', '.vercel'],
  vite: ['node_modules', 'dist/**', 'coverage/**', '.turbo', '.vercel'],
  plain: ['node_modules'],
} as const;

// The command that installs exactly what a lock file says.
const INSTALLS: Readonly<Record<string, string>> = {
  'pnpm-lock.yaml': 'pnpm install --frozen-lockfile',
  'yarn.lock': 'yarn install --frozen-lockfile',
  'bun.lock': 'bun install --frozen-lockfile',
  'package-lock.json': 'npm ci',
  'npm-shrinkwrap.json': 'npm ci',
};

function commandsAfterRestore({ kind, configuration }: FoundFolder): readonly string[] {
  if (kind === 'plain') return [];
  const lock = configuration.find((name) => name in INSTALLS) ?? '';
  return [INSTALLS[lock] ?? 'npm install', 'npm run build'];
}

/** Text as a YAML string that cannot be taken for anything else. */
function quoted(text: string): string {
  // A single quoted string folds lines; the double quoted form of JSON is YAML, too.
  if (/[^\u0020-\u007e]/.test(text)) return JSON.stringify(text);
  return `'${text.replaceAll("'", "''")}'`;
}

function list(values: readonly string[], indent: string): string {
  return values.map((value) => `\n${indent}- ${quoted(value)}`).join('');
}

const STORE_IN_FOLDER = `# Where backups go. A folder inside the site is left out of its own backups, but lost with its disk: another disk is better.`;
const STORE_ON_AWS = `# Where backups go: a bucket that the stack makes, versioned, encrypted and locked.`;

const STACK = `
# What \`npx holdfast deploy\` makes: the bucket, the functions that prove and prune backups, and the alarms.
aws:
  lock: { mode: governance, days: 14 } # nobody can delete a backup for so long

# Whom the functions tell. Each address confirms once, by the e-mail that AWS sends.
notify:
  email: []
`;

const MORE_SOURCES = `
  # What functions can read they also back up; for example:
  # assets:
  #   kind: bucket
  #   bucket: my-assets
  #   schedule: '0 3 * * 0'
  #   rpo: 7d
  # settings:
  #   kind: parameters
  #   paths: ['/my-site/']
  #   onDeployment: ['event']
`;

/** What the key of this machine may vouch for: on AWS not for proofs, which the functions sign with keys of their own. */
function prefixesOf({ onAws }: StarterOptions, sources: readonly string[]): string[] {
  if (!onAws) return [BACKUPS_PREFIX, RECORDS_PREFIX];
  const records = ['backup', 'restore', 'pin', 'unpin'].map(verbPrefix);
  return [...sources.map(sourcePrefix), ...records];
}

function head(options: StarterOptions, prefixes: readonly string[]): string {
  // The name of a machine may hold what the name of a key may not.
  const keyName =
    options.keyName
      .replace(/[^A-Za-z0-9]+/g, '-')
      .replace(/^-/, '')
      .slice(0, 63) || 'key';
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
  - name: ${quoted(keyName)}
    publicKey: ${quoted(options.publicKey)}
    prefixes: [${prefixes.map(quoted).join(', ')}]
`;
}

function siteSource(found: FoundFolder, keysInside: string | undefined): string {
  const { kind, git } = found;
  const keys =
    keysInside === undefined
      ? ''
      : `\n      # The key that signs: who reads a backup must not be able to forge the next.${list([keysInside], '      ')}`;
  const history = `      # The history of git is left out: it is where you push it. The commit is recorded with each backup.\n      - '.git'`;
  const after = commandsAfterRestore(found);
  const commands =
    after.length === 0
      ? ''
      : `\n    # Proves that what was restored works; run when a restore asks for it by --run-configured.\n    afterRestore:${list(after, '      ')}`;
  return `  # Everything: what is needed to have it all again.
  site:
    kind: files
    path: .
    exclude:
      # What an installation or a build makes again.${list(REBUILT[kind], '      ')}${git ? `\n${history}` : ''}${keys}
    # .env and other files that hold secrets are left out and reported; .env.example is kept.
    secrets: exclude
    # A backup is due every day at 02:00. Holdfast reports one that is missing; what runs it is cron, CI or a timer.
    schedule: '0 2 * * *'
    timeZone: UTC
    rpo: 24h # at most a day of work is lost
    rto: 4h # and it takes at most four hours to be back
    restoreTest: { every: month }${commands}
`;
}

interface Part {
  readonly name: string;
  readonly comment: string;
  readonly include: readonly string[];
}

function partSource({ name, comment, include }: Part, keysInside: string | undefined): string {
  const exclude = keysInside === undefined ? '' : `\n    exclude:${list([keysInside], '      ')}`;
  return `
  # ${comment}
  ${name}:
    kind: files
    path: .
    include:${list(include, '      ')}${exclude}
`;
}

/** Active where the URL is at hand; functions on AWS read it from elsewhere. */
function databaseSource({ database }: FoundFolder, { onAws }: StarterOptions): string {
  if (database === undefined) return '';
  const { variable, isSet, toldBy } = database;
  const why = isSet
    ? `${variable} is set here and names a Postgres database.`
    : `${toldBy} speaks of ${variable}: if that is a Postgres database, uncomment this.`;
  const where = onAws
    ? 'On AWS its URL has to be in a secret: `connection: secret:NAME`.'
    : 'The variable has to be set wherever `holdfast backup` runs.';
  const mark = isSet && !onAws ? '' : '# ';
  const lines = [
    'database:',
    '  kind: postgres',
    `  connection: ${quoted(`env:${variable}`)}`,
    "  schedule: '0 2 * * *'",
    '  timeZone: UTC',
    '  rpo: 24h',
    '  rto: 4h',
    '  restoreTest: { every: month }',
  ];
  return `
  # ${why}
  # It is dumped as plain SQL, which psql restores, with what proves that. ${where}
${lines.map((line) => `  ${mark}${line}`).join('\n')}
`;
}

/** The text of holdfast.yaml for what was found. It passes `holdfast config validate` as it stands. */
export function starterConfig(found: FoundFolder, options: StarterOptions): string {
  const setUp = found.configuration.length === 0 ? [] : [...found.configuration, 'holdfast.yaml'];
  const parts = [
    {
      name: 'content',
      comment: 'What editors write, for a backup of that alone: `holdfast backup content`.',
      include: found.content,
    },
    {
      name: 'configuration',
      comment:
        'What sets the system up, for a backup of that alone: `holdfast backup configuration`.',
      include: setUp,
    },
  ].filter(({ include }) => include.length > 0);
  const prefixes = prefixesOf(options, ['site', ...parts.map(({ name }) => name)]);
  const texts = parts.map((part) => partSource(part, options.keysInside));
  return `${head(options, prefixes)}
sources:
${siteSource(found, options.keysInside)}${texts.join('')}${options.onAws ? MORE_SOURCES : ''}${databaseSource(found, options)}
# Which good backups are kept. The newest three stay in any case.
retention:
  daily: ${DEFAULT_RETENTION.daily}
  weekly: ${DEFAULT_RETENTION.weekly}
  monthly: ${DEFAULT_RETENTION.monthly}

prune:
  afterBackup: true
`;
}
