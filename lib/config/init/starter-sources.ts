// The sources of the holdfast.yaml that `holdfast init` writes. Pure: it returns text.
import type { FoundFolder, OutsideFolder } from './detect.ts';
import { ENCODED } from './database-url.ts';
import { nameOf } from './looked-at.ts';
import { listed, unsupportedText } from './sentences.ts';
import { quoted } from './yaml-text.ts';

/** What the sources depend on besides what was found. */
export interface SourceOptions {
  /** Whether functions on AWS shall look after the store. */
  readonly onAws: boolean;
  /** Set when the folder holds the key, as a home folder does: the folder of keys, relative, which every source leaves out. */
  readonly keysInside?: string | undefined;
  /** The file with the URL of a database whose address the site keeps in parts, as holdfast.yaml shall write it. */
  readonly databaseFile?: string | undefined;
}

const WHEN = `    schedule: '0 2 * * *'
    timeZone: UTC
    rpo: 24h
    rto: 4h
    restoreTest: { every: month }
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

function list(values: readonly string[], indent: string): string {
  return values.map((value) => `\n${indent}- ${quoted(value)}`).join('');
}

/** Sentences as comments of a source, none of them longer than a line should be. */
function remark(text: string): string {
  const lines: string[] = [];
  // A name may hold what would end a comment.
  for (const word of text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?').split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + word.length < 112)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(`  # ${word}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Where `holdfast synth` writes, and what holds no work of anybody. */
const SYNTHESIZED = 'cdk.out';

function siteSource(found: FoundFolder, { onAws, keysInside }: SourceOptions): string {
  const built = [...new Set([...found.built, ...(onAws ? [SYNTHESIZED] : [])])];
  const { live, git, uploads, afterRestore } = found;
  const excludes = [
    ['What an installation or a build makes again.', built],
    [
      'The history of git is left out: it is where you push it. The commit is recorded with each backup.',
      git ? ['.git'] : [],
    ],
    [
      'The key that signs: who reads a backup must not be able to forge the next.',
      keysInside === undefined ? [] : [keysInside],
    ],
  ] as const;
  const exclude = excludes
    .filter(([, globs]) => globs.length > 0)
    .map(([why, globs]) => `\n      # ${why}${list(globs, '      ')}`)
    .join('')
    .replace(/^(?=.)/s, '\n    exclude:');
  const tolerate =
    live.length === 0
      ? ''
      : `\n    # Written while the site runs. Changes during a backup are listed, but do not make it partial.\n    tolerate:${list(live, '      ')}`;
  const commands =
    afterRestore.length === 0
      ? ''
      : `\n    # Proves that what was restored works; run when a restore asks for it by --run-configured.\n    afterRestore:${list(afterRestore, '      ')}`;
  const sent = uploads.length === 0 ? '' : remark(`User uploads are included: ${listed(uploads)}.`);
  return `  # All files of this folder, except for what is left out below. \`holdfast restore site PATH\` restores a part of it.
${sent}  site:
    kind: files
    path: .${exclude}
    # .env and other files that hold secrets are left out and reported; .env.example is kept.
    # To take one, name it beside everything else: \`include: ['**', '.env']\`.
    secrets: exclude${tolerate}
    # A backup is due every day at 02:00. Holdfast reports one that is missing; what runs it is cron, CI or a timer.
    schedule: '0 2 * * *'
    timeZone: UTC
    rpo: 24h # at most a day of work is lost
    rto: 4h # and it takes at most four hours to be back
    restoreTest: { every: month }${commands}
`;
}

/** Parts of the site as sources of their own, to be uncommented. */
function partSources(found: FoundFolder, options: SourceOptions): string {
  const parts = partsOfSite(found);
  if (parts.length === 0) return '';
  const texts = parts.map(({ name, about, include }) => {
    const inside = found.built.filter((glob) =>
      include.some((folder) => glob.startsWith(`${folder}/`)),
    );
    const exclude = [...inside, ...(options.keysInside === undefined ? [] : [options.keysInside])];
    const lines = [
      `${name}: # ${about}`,
      '  kind: files',
      '  path: .',
      `  include:${list(include, '    ')}`,
      ...(exclude.length === 0 ? [] : [`  exclude:${list(exclude, '    ')}`]),
    ].join('\n');
    return lines.replace(/^/gm, '  # ');
  });
  return `
  # Parts of the site can be sources of their own as well, to be backed up alone. Uncomment one to use it.
${texts.join('\n')}
`;
}

interface Part {
  readonly name: string;
  readonly about: string;
  readonly include: readonly string[];
}

function partsOfSite({ content, configuration }: FoundFolder): Part[] {
  const setUp = configuration.length === 0 ? [] : [...configuration, 'holdfast.yaml'];
  return [
    { name: 'content', about: 'what editors write', include: content },
    { name: 'configuration', about: 'what sets the site up', include: setUp },
  ].filter(({ include }) => include.length > 0);
}

/** Folders outside, with the names of their sources. */
function named(folders: readonly OutsideFolder[]): (OutsideFolder & { readonly name: string })[] {
  const taken = new Set(['site', 'content', 'configuration', 'database', 'assets', 'settings']);
  return folders.map((folder) => {
    const base =
      nameOf(folder.path)
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^[^a-z]+|-+$/g, '')
        .slice(0, 50) || 'uploads';
    let name = taken.has(base) ? 'uploads' : base;
    for (let count = 2; taken.has(name); count += 1) name = `uploads-${count}`;
    taken.add(name);
    return { ...folder, name };
  });
}

function outsideSources({ uploadsOutside }: FoundFolder): string {
  return named(uploadsOutside)
    .map(
      ({ name, path, toldBy }) => `
${remark(`${toldBy} leads out of this folder, to where the site keeps what users send.`)}  ${name}:
    kind: files
    path: ${quoted(path)}
${WHEN}`,
    )
    .join('');
}

/** Active where the database is one of PostgreSQL for sure; functions on AWS read its URL from elsewhere. */
function databaseSource({ database }: FoundFolder, { onAws, databaseFile }: SourceOptions): string {
  if (database === undefined) return '';
  const { variable, isSet, isCertain, toldBy, others } = database;
  const why = isSet
    ? `${variable} is set here and leads to a PostgreSQL database.`
    : isCertain
      ? `${toldBy} names a PostgreSQL database.`
      : `${toldBy} names ${variable}: if that leads to a PostgreSQL database, uncomment this.`;
  const where = onAws
    ? 'On AWS its URL has to be in a secret: `connection: secret:NAME`.'
    : databaseFile === undefined
      ? `${variable} has to be set wherever \`holdfast backup\` runs.`
      : `The file holds its URL, has mode 600, and serves by hand and in timers alike: postgres://USER:PASSWORD@HOST:PORT/DATABASE, with ${ENCODED}. Change it when the password changes.`;
  const also =
    others.length === 0
      ? ''
      : ` ${listed(others)} may lead to it by another way; another database needs a source of its own.`;
  const lines = `  database:
    kind: postgres
    connection: ${quoted(databaseFile === undefined ? `env:${variable}` : `file:${databaseFile}`)}
${WHEN}`;
  return `
${remark(`${why} It is dumped as plain SQL that psql restores, with the facts that prove a restore. ${where}${also}`)}${isCertain && !onAws ? lines : lines.replace(/^ {2}/gm, '  # ')}`;
}

function unsupported({ unsupported: seen }: FoundFolder): string {
  return seen.map((one) => `\n${remark(unsupportedText(one))}`).join('');
}

function buckets({ buckets: found }: FoundFolder): string {
  if (found.length === 0) return '';
  const names = listed(found.map(({ variable, toldBy }) => `${variable} in ${toldBy}`));
  return `\n${remark(`Not backed up: what lies in the bucket that ${names} names. A source of kind bucket does that.`)}`;
}

/** All that stands below `sources:`. */
export function sourcesText(found: FoundFolder, options: SourceOptions): string {
  return [
    siteSource(found, options),
    outsideSources(found),
    partSources(found, options),
    options.onAws ? MORE_SOURCES : '',
    databaseSource(found, options),
    unsupported(found),
    buckets(found),
  ].join('');
}

/** The names of sources that a machine backs up: those of files, also the ones that are still to be uncommented. */
export function sourceNames(found: FoundFolder): string[] {
  return [
    'site',
    ...named(found.uploadsOutside).map(({ name }) => name),
    ...partsOfSite(found).map(({ name }) => name),
  ];
}
