// `holdfast init`: a key, a commented holdfast.yaml, and what else a folder needs to be backed up.
import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import type { FoundDatabase } from '../../config/init/detect-database.ts';
import { writeKey } from '../../config/load/key-files.ts';
import { homeFolder } from '../../config/load/home.ts';
import { HoldfastError } from '../../errors.ts';
import { storeRecordBeside, withStore, writeKnownStores } from '../../config/load/store-record.ts';
import type { Invocation } from '../invocation.ts';
import { createStore } from '../store/opened-store.ts';
import { randomName } from '../../wiring/machine.ts';
import { Terminal } from '../output/terminal.ts';
import { planInit, type InitPlan, type PlannedFile, type StoreOnAws } from './init-plan.ts';

interface Options {
  readonly dryRun?: boolean;
  readonly scripts?: boolean;
  /** True without a name. */
  readonly aws?: string | true;
  readonly region?: string;
  readonly system?: string;
}

const KINDS = { nextjs: 'a Next.js site', vite: 'a Vite site', plain: 'a folder' };

export async function run(
  [folder = '.']: string[],
  { options }: Invocation<Options>,
): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const dryRun = options.dryRun === true;
  const cwd = process.cwd();
  const plan = await planInit({
    folder: path.resolve(cwd, folder),
    store: options.store,
    aws: awsOf(options),
    scripts: options.scripts === true,
    system: options.system,
    cwd,
    home: homeFolder(),
    host: os.hostname(),
    env: process.env,
    now: new Date(),
    random: randomName,
  });
  if (!dryRun) {
    // The key first: a configuration that names no key would be refused, and a key without one is used by the next run.
    await writeKey(plan.key);
    const marker = plan.onAws
      ? undefined
      : await createStore(plan.store, plan.found.system, randomName);
    for (const file of plan.files) await write(file);
    if (marker?.id !== undefined) await remember(plan, marker.id);
  }
  say(terminal, plan, dryRun);
  terminal.document(jsonOf(plan, dryRun));
  return 0;
}

/** So that the next backup knows which store is the right one, and another site of this name is told from this one. */
async function remember({ key, found, store, files, known }: InitPlan, id: string): Promise<void> {
  const config = files[0]?.path ?? '';
  const stores = withStore(known, { id, place: store, config, aside: false }, new Date());
  await writeKnownStores(storeRecordBeside(key.path, found.system), found.system, stores);
}

function awsOf({ aws, region }: Options): StoreOnAws | undefined {
  if (aws !== undefined) return { bucket: aws === true ? undefined : aws, region };
  if (region === undefined) return undefined;
  throw new HoldfastError('USAGE', '--region is for a store on AWS', {
    hint: 'Say --aws, too.',
  });
}

async function write({ path: file, change, text }: PlannedFile): Promise<void> {
  if (change === 'create') return create(file, text);
  // Through a link to the file that it names, and never half of it.
  const real = await realpath(file);
  const draft = `${real}.holdfast-${randomName()}`;
  try {
    await writeFile(draft, text, { flag: 'wx', mode: (await stat(real)).mode & 0o777 });
    await rename(draft, real);
  } finally {
    await rm(draft, { force: true });
  }
}

async function create(file: string, text: string): Promise<void> {
  try {
    const handle = await open(file, 'wx');
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new HoldfastError('USAGE', `${file} was made by somebody else meanwhile`, {
      hint: 'Look at it, and run `holdfast init` again.',
      cause,
    });
  }
}

function say(terminal: Terminal, plan: InitPlan, dryRun: boolean): void {
  const { folder, found, key, files, scripts } = plan;
  terminal.line(
    `${terminal.paint('bold', found.system)}  ${KINDS[found.kind]}${found.git ? ' under git' : ''} in ${folder}`,
  );
  const [made, added] = dryRun ? ['would create', 'would add to'] : ['created', 'added to'];
  terminal.line(
    key.exists
      ? `  kept ${key.path}: the key of this system`
      : `  ${made} ${key.path}: the key that signs; its public half beside it`,
  );
  if (!plan.onAws) {
    terminal.line(
      plan.storeMade
        ? `  ${made} ${plan.store}: the store, where backups go`
        : `  kept ${plan.store}: the store of this system`,
    );
  }
  if (found.database !== undefined) terminal.line(`  ${databaseText(found.database)}`);
  for (const { path: file, change, about } of files) {
    terminal.line(`  ${change === 'create' ? made : added} ${file}: ${about}`);
  }
  if (scripts.kept.length > 0)
    terminal.line(`  kept the scripts ${scripts.kept.join(', ')} of package.json as they are`);
  for (const remark of plan.remarks) terminal.warn(remark);
  terminal.note('Keep a copy of the key, or at least of its public half, away from this machine.');
  terminal.line();
  if (dryRun) {
    terminal.line(plan.files[0]?.text);
    return;
  }
  if (plan.cdkApp !== undefined)
    terminal.line(`${plan.cdkApp} is an app of the CDK: the backups fit into one of its stacks.`);
  terminal.line('Next:');
  for (const command of nextCommands(plan)) terminal.line(`  ${command}`);
}

function databaseText({ variable, isSet, toldBy }: FoundDatabase): string {
  return isSet
    ? `found ${variable}, which names a Postgres database: see the source "database"`
    : `found ${variable} in ${toldBy}: holdfast.yaml has a source for that database, to be uncommented`;
}

function nextCommands({ folder, onAws, cdkApp, files }: InitPlan): string[] {
  const elsewhere = folder === process.cwd() ? '' : `cd ${shellQuoted(folder)} && `;
  if (cdkApp !== undefined) {
    const file = path.relative(path.dirname(cdkApp), files[0]?.path ?? '');
    return [
      "import { Holdfast } from 'holdfast/cdk';   // in the file of a stack",
      `new Holdfast(this, 'Backups', { configFile: '${file}' });   // in its constructor`,
      'npx cdk deploy   # make the bucket, the functions and the alarms with it',
      'npx holdfast backup   # back up what functions cannot read; they prove and prune it',
    ];
  }
  if (onAws) {
    return [
      `${elsewhere}npx holdfast deploy   # make the bucket, the functions and the alarms`,
      'npx holdfast doctor   # what would stop a backup or a restore here',
      'npx holdfast backup   # back up what functions cannot read; they prove and prune it',
    ];
  }
  return [
    `${elsewhere}holdfast doctor   # what would stop a backup or a restore here`,
    'holdfast backup   # back up, read back, prune',
    'holdfast restore site --to ../restored   # into a folder that does not exist yet',
  ];
}

function shellQuoted(text: string): string {
  return /^[\w./~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function jsonOf(plan: InitPlan, dryRun: boolean) {
  const { folder, found, key, store, files, scripts, remarks } = plan;
  const { path: keyPath, publicPath, publicKey, exists } = key;
  return {
    command: 'init',
    dryRun,
    system: found.system,
    kind: found.kind,
    database: found.database,
    folder,
    store,
    storeChange: plan.storeMade ? 'create' : 'keep',
    key: { path: keyPath, publicPath, publicKey, change: exists ? 'keep' : 'create' },
    files: files.map(({ path: file, change, text }) => ({
      path: file,
      change,
      ...(dryRun && { text }),
    })),
    scripts,
    remarks,
    next: nextCommands(plan),
  };
}
