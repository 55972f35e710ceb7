// `holdfast init`: a key, a commented holdfast.yaml, and what else a folder needs to be backed up.
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { CONFIG_NAMES } from '../../config/places.ts';
import { homeFolder } from '../../config/load/home.ts';
import { HoldfastError } from '../../errors.ts';
import { displayText } from '../../format/paths.ts';
import { randomName } from '../../wiring/machine.ts';
import type { Invocation } from '../invocation.ts';
import { renewKey } from '../new-key.ts';
import type { CommonOptions } from '../session.ts';
import { Terminal } from '../output/terminal.ts';
import type { DatabaseFile } from '../init/database-file.ts';
import { planInit, type InitPlan } from '../init/plan.ts';
import type { StoreOnAws } from '../init/input.ts';
import { constructLines, findings, made, nextCommands, siteText, warnings } from '../init/text.ts';
import { writePlan } from '../init/write.ts';

interface Options {
  readonly dryRun?: boolean;
  readonly scripts?: boolean;
  /** True without a name. */
  readonly aws?: string | true;
  readonly region?: string;
  readonly system?: string;
  readonly newKey?: boolean;
}

export async function run(
  [folder = '.']: string[],
  { options }: Invocation<Options>,
): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const dryRun = options.dryRun === true;
  const cwd = process.cwd();
  const file = options.newKey === true ? configIn(path.resolve(cwd, folder)) : undefined;
  if (file !== undefined) return renew(terminal, { ...options, config: file });
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
    newKey: options.newKey === true,
    random: randomName,
  });
  if (!dryRun) await writePlan(plan);
  say(terminal, plan, dryRun);
  terminal.document(jsonOf(plan, dryRun));
  return 0;
}

/** The configuration that is in `folder` already. */
function configIn(folder: string): string | undefined {
  return CONFIG_NAMES.map((name) => path.join(folder, name)).find((file) => existsSync(file));
}

async function renew(terminal: Terminal, options: Options & CommonOptions): Promise<number> {
  const renewed = await renewKey(terminal, options);
  const { path: keyPath, publicPath, publicKey } = renewed.key;
  terminal.document({
    command: 'init',
    dryRun: options.dryRun === true,
    key: { path: keyPath, publicPath, publicKey, change: 'create' },
    former: renewed.former,
    files: [{ path: renewed.file, change: 'add to' }],
  });
  return 0;
}

function awsOf({ aws, region }: Options): StoreOnAws | undefined {
  if (aws !== undefined) return { bucket: aws === true ? undefined : aws, region };
  if (region === undefined) return undefined;
  throw new HoldfastError('USAGE', '--region is for a store on AWS', {
    hint: 'Say --aws, too.',
  });
}

function say(terminal: Terminal, plan: InitPlan, dryRun: boolean): void {
  const { folder, found, cdkApp } = plan;
  const line = (text: string) => {
    terminal.done(displayText(text));
  };
  terminal.done(
    `${terminal.paint('bold', found.system)}  ${displayText(`${siteText(found)} in ${folder}`)}`,
  );
  for (const text of [...made(plan, dryRun), ...findings(plan)]) line(`  ${text}`);
  for (const text of warnings(plan)) terminal.warn(displayText(text));
  terminal.note('Keep a copy of the key, or at least of its public half, away from this machine.');
  terminal.done();
  if (dryRun) {
    terminal.line(plan.files[0]?.text);
    return;
  }
  terminal.done('Next:');
  for (const command of nextCommands(plan, process.cwd())) terminal.done(`  ${command}`);
  if (cdkApp === undefined) return;
  terminal.done();
  line(
    `This leaves the app in ${cdkApp} as it is. To have the backups in one of its stacks instead:`,
  );
  for (const text of constructLines(plan)) line(`  ${text}`);
}

function jsonOf(plan: InitPlan, dryRun: boolean) {
  const { folder, found, key, store, files, scripts, databaseFile, secrets } = plan;
  const { path: keyPath, publicPath, publicKey, exists } = key;
  const construct = constructLines(plan);
  return {
    command: 'init',
    dryRun,
    system: found.system,
    kind: found.kind,
    stacks: found.stacks.map(({ id, folder: at }) => ({ id, folder: at === '' ? '.' : at })),
    database: found.database,
    unsupported: found.unsupported.map(({ engine, toldBy }) => ({ engine, toldBy })),
    uploads: found.uploads,
    uploadsOutside: found.uploadsOutside,
    buckets: found.buckets,
    folder,
    store,
    storeChange: plan.storeMade ? 'create' : 'keep',
    key: { path: keyPath, publicPath, publicKey, change: exists ? 'keep' : 'create' },
    files: files.map(({ path: file, change, text }) => ({
      path: file,
      change,
      ...(dryRun && { text }),
    })),
    ...(databaseFile !== undefined && {
      databaseFile: { path: databaseFile.path, change: changeOf(databaseFile) },
    }),
    leftOut: secrets,
    scripts,
    remarks: warnings(plan),
    next: nextCommands(plan, process.cwd()),
    ...(construct.length > 0 && { construct }),
  };
}

/** The URL in the file is never part of a document. */
function changeOf({ exists, url }: DatabaseFile): 'keep' | 'create' | 'none' {
  return exists ? 'keep' : url === undefined ? 'none' : 'create';
}
