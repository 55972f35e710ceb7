// What `holdfast init` says: what it made, what it found, what it cannot back up, and what comes next. Pure.
import path from 'node:path';
import type { FoundDatabase, FoundFolder } from '../../config/init/detect.ts';
import { ENCODED } from '../../config/init/database-url.ts';
import { listed, unsupportedText } from '../../config/init/sentences.ts';
import { NOBODY_TOLD } from '../stack/nobody-told.ts';
import type { DatabaseFile } from './database-file.ts';
import type { InitPlan } from './plan.ts';

/** `a Turborepo with a Next.js site in apps/web, under git` */
export function siteText({ stacks, git }: FoundFolder): string {
  const [first, ...others] = stacks.map(
    ({ title, folder }) => `${title}${folder === '' ? '' : ` in ${folder}`}`,
  );
  const made =
    others.length === 0 ? (first ?? 'a folder') : `${first ?? ''} with ${listed(others)}`;
  return `${made}${git ? ' under git' : ''}`;
}

/** What was made, or would be: the key, the store, the files. */
export function made(plan: InitPlan, dryRun: boolean): string[] {
  const { key, store, storeMade, onAws, formerKey, files, scripts, databaseFile } = plan;
  const [create, add, keep] = dryRun
    ? ['would create', 'would add to', 'would keep']
    : ['created', 'added to', 'kept'];
  const ofKey = key.exists
    ? `kept ${key.path}: the key of this system`
    : `${create} ${key.path}: the key that signs; its public half beside it`;
  const ofStore = storeMade
    ? `${create} ${store}: the store, where backups go${plan.storeOutside ? '; not in the site, as a web server may serve all of its folder' : ''}`
    : `kept ${store}: the store of this system`;
  return [
    ofKey,
    ...(onAws ? [] : [ofStore]),
    ...ofDatabase(databaseFile, create),
    ...(formerKey === undefined
      ? []
      : [`${keep} the public half of the lost key in ${formerKey.keptAs}, and in \`trust\``]),
    ...files.map(
      ({ path: file, change, about }) => `${change === 'create' ? create : add} ${file}: ${about}`,
    ),
    ...(scripts.kept.length > 0
      ? [`kept the scripts ${scripts.kept.join(', ')} of package.json as they are`]
      : []),
  ];
}

function ofDatabase(file: DatabaseFile | undefined, create: string): string[] {
  if (file?.exists === true) return [`kept ${file.path}: the URL of the database`];
  if (file?.partsIn === undefined) return [];
  return [`${create} ${file.path}: the URL of the database, from the parts in ${file.partsIn}`];
}

/** What was found besides: lines without an indentation. */
export function findings({ found, onAws, databaseFile }: InitPlan): string[] {
  const { database, uploads, uploadsOutside, unsupported } = found;
  return [
    ...(database === undefined ? [] : [databaseText(database, onAws, databaseFile)]),
    ...(database === undefined && unsupported.length === 0 ? ['no database was seen'] : []),
    ...(uploads.length === 0
      ? []
      : [`found ${listed(uploads)}, where users send files: in the source "site"`]),
    ...uploadsOutside.map(
      ({ path: place, toldBy }) =>
        `found ${place} outside of this folder (${toldBy}): a source of its own`,
    ),
  ];
}

/** What the user has to know or to do before every part of the site is protected. */
export function warnings({ found, onAws, remarks, databaseFile, secrets }: InitPlan): string[] {
  const { database, unsupported, buckets } = found;
  const isMissing = database?.isCertain === true && database.isNamed && !database.isSet && !onAws;
  const names = listed(buckets.map(({ variable, toldBy }) => `${variable} (${toldBy})`));
  return [
    ...(isMissing ? [missingText(database)] : []),
    ...(databaseFile === undefined ? [] : unwrittenText(databaseFile)),
    ...unsupported.map(unsupportedText),
    ...(buckets.length === 0
      ? []
      : [
          `what lies in the bucket that ${names} names is not backed up; a source of kind bucket does that`,
        ]),
    ...(secrets.length === 0 ? [] : [secretsText(secrets)]),
    ...(onAws ? [NOBODY_TOLD] : []),
    ...remarks,
  ];
}

function databaseText(
  { variable, isSet, isCertain, toldBy }: FoundDatabase,
  onAws: boolean,
  file: DatabaseFile | undefined,
): string {
  if (!isCertain) {
    return `found ${variable} in ${toldBy}: if it leads to PostgreSQL, uncomment the source "database" in holdfast.yaml`;
  }
  const what = isSet
    ? `found ${variable}, which leads to PostgreSQL`
    : `found PostgreSQL in ${toldBy}`;
  return onAws
    ? `${what}: put its URL into a secret, and uncomment the source "database" in holdfast.yaml`
    : `${what}: the source "database" reads ${file === undefined ? `env:${variable}` : `file:${file.path}`}`;
}

function missingText({ variable }: FoundDatabase): string {
  return `the database is backed up only where ${variable} is set in the environment: it is not set here`;
}

function unwrittenText({ path: file, exists, url }: DatabaseFile): string[] {
  if (exists || url !== undefined) return [];
  return [
    `the database is backed up once ${file} holds its URL: run \`install -m 600 /dev/null ${shellQuoted(file)}\` and write postgres://USER:PASSWORD@HOST:PORT/DATABASE into it, with ${ENCODED}`,
  ];
}

function secretsText(secrets: readonly string[]): string {
  const include = ['**', ...secrets.slice(0, 3)].map((one) => `'${one}'`).join(', ');
  const them = secrets.length === 1 ? 'it' : 'them';
  return `not in the backup, because of the passwords and keys in ${them}: ${listed(secrets)}. Keep a copy elsewhere, or take ${them} in by \`include: [${include}]\` in the source "site"; then whoever reads a backup can read ${them}`;
}

/** What comes next, as it can be typed in `cwd`. */
export function nextCommands(
  { folder, onAws, cdkApp, installed }: InitPlan,
  cwd: string,
): string[] {
  const elsewhere = folder === cwd ? '' : `cd ${shellQuoted(folder)} && `;
  const holdfast = installed ? 'npx holdfast' : 'holdfast';
  if (onAws) {
    const own = cdkApp === undefined ? '' : ', in a stack of its own';
    return [
      `${elsewhere}${holdfast} deploy   # make the bucket, the functions and the alarms${own}`,
      `${holdfast} doctor   # what would stop a backup or a restore here`,
      `${holdfast} backup   # back up what functions cannot read; they prove and prune it`,
    ];
  }
  return [
    `${elsewhere}${holdfast} doctor   # what would stop a backup or a restore here`,
    `${holdfast} backup   # back up, read back, prune`,
    `${holdfast} restore site --to ../restored   # into a folder that does not exist yet`,
    `${holdfast} schedule install   # from now on, back up by the schedules and notice what is missing`,
  ];
}

/** The lines that put the backups into a stack of the app around; none where there is no app. */
export function constructLines({ cdkApp, files }: InitPlan): string[] {
  if (cdkApp === undefined) return [];
  const file = path.relative(path.dirname(cdkApp), files[0]?.path ?? '');
  return [
    "import { Holdfast } from 'holdfast/cdk';   // in the file of a stack",
    `new Holdfast(this, 'Backups', { configFile: '${file}' });   // in its constructor`,
  ];
}

function shellQuoted(text: string): string {
  return /^[\w./~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
