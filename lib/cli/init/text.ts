// What `holdfast init` says: what it made, what it found, what it cannot back up, and what comes next. Pure.
import path from 'node:path';
import type { FoundDatabase, FoundFolder } from '../../config/init/detect.ts';
import { listed, unsupportedText } from '../../config/init/sentences.ts';
import { NOBODY_TOLD } from '../stack/nobody-told.ts';
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
  const { key, store, storeMade, onAws, formerKey, files, scripts } = plan;
  const [create, add, keep] = dryRun
    ? ['would create', 'would add to', 'would keep']
    : ['created', 'added to', 'kept'];
  const ofKey = key.exists
    ? `kept ${key.path}: the key of this system`
    : `${create} ${key.path}: the key that signs; its public half beside it`;
  const ofStore = storeMade
    ? `${create} ${store}: the store, where backups go`
    : `kept ${store}: the store of this system`;
  return [
    ofKey,
    ...(onAws ? [] : [ofStore]),
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

/** What was found besides: lines without an indentation. */
export function findings({ found, onAws }: InitPlan): string[] {
  const { database, uploads, uploadsOutside, unsupported } = found;
  return [
    ...(database === undefined ? [] : [databaseText(database, onAws)]),
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
export function warnings({ found, onAws, remarks }: InitPlan): string[] {
  const { database, unsupported, buckets } = found;
  const isMissing = database?.isCertain === true && !database.isSet && !onAws;
  const names = listed(buckets.map(({ variable, toldBy }) => `${variable} (${toldBy})`));
  return [
    ...(isMissing ? [missingText(database)] : []),
    ...unsupported.map(unsupportedText),
    ...(buckets.length === 0
      ? []
      : [
          `what lies in the bucket that ${names} names is not backed up; a source of kind bucket does that`,
        ]),
    ...(onAws ? [NOBODY_TOLD] : []),
    ...remarks,
  ];
}

function databaseText(
  { variable, isSet, isCertain, toldBy }: FoundDatabase,
  onAws: boolean,
): string {
  if (!isCertain) {
    return `found ${variable} in ${toldBy}: if it leads to PostgreSQL, uncomment the source "database" in holdfast.yaml`;
  }
  const what = isSet
    ? `found ${variable}, which leads to PostgreSQL`
    : `found PostgreSQL in ${toldBy}`;
  return onAws
    ? `${what}: put its URL into a secret, and uncomment the source "database" in holdfast.yaml`
    : `${what}: the source "database" reads env:${variable}`;
}

function missingText({ variable, isNamed, toldBy }: FoundDatabase): string {
  return isNamed
    ? `the database is backed up only where ${variable} is set in the environment: it is not set here`
    : `the database is backed up only where ${variable} is set in the environment, to postgres://USER:PASSWORD@HOST:PORT/DATABASE; ${toldBy} has the parts`;
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
