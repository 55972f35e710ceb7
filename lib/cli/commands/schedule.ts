// `holdfast schedule`: timers of this machine that wake `run-due` and `escalate`.
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../../config/config.ts';
import { HoldfastError } from '../../errors.ts';
import { cronBlock } from '../schedule/cron.ts';
import { planFiles, writeFiles } from '../schedule/files.ts';
import { thisHost, type Host } from '../schedule/host.ts';
import { agentFiles } from '../schedule/launchd.ts';
import type { Change, Changed, Installed } from '../schedule/managed.ts';
import { allInstalled, managerOf, openManager } from '../schedule/managers.ts';
import { unitFiles } from '../schedule/systemd.ts';
import { assertWritable, changesOf, type Manager, type Start } from '../schedule/timers.ts';
import { chosenEnvFile, lackedBy, usualEnvFile } from '../schedule/variables.ts';
import type { Invocation } from '../invocation.ts';
import { Terminal } from '../output/terminal.ts';
import { table } from '../output/units.ts';
import { configOf, required, userName } from '../session.ts';

interface Options {
  readonly manager?: Manager;
  readonly envFile?: string;
  readonly out?: string;
  readonly dryRun?: boolean;
}

const NONE_FOUND = 10;

export async function run(names: string[], { options }: Invocation<Options>): Promise<number> {
  const [action, system] = names;
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const host = thisHost(userName());
  if (action === 'install') return install(host, terminal, options);
  if (action === 'remove') return remove(host, terminal, { ...options, system });
  return show(host, terminal, options);
}

type Given = Invocation<Options>['options'];

/** What the timers of a configuration start. */
async function startOf(host: Host, config: Config, envFile: string | undefined): Promise<Start> {
  const { node, program, searchPath } = host;
  const { system, file, store, storeFrom } = config;
  const start = {
    ...{ system, node, program, config: file },
    store: storeFrom === 'file' ? undefined : store,
    envFile: await chosenEnvFile(host, config, envFile),
    searchPath,
  };
  assertWritable(start);
  return start;
}

async function install(host: Host, terminal: Terminal, options: Given): Promise<number> {
  const config = required(configOf(options));
  const start = await startOf(host, config, options.envFile);
  const dryRun = options.dryRun === true;
  const manager = await managerOf(host, options.manager);
  const { changes, differences, warnings } =
    options.out === undefined
      ? await openManager(host, manager).install(start, { dryRun })
      : await writeOut(host, { start, manager, dryRun, folder: path.resolve(options.out) });
  const all = [...warnings, ...(await doubts(host, config, start))];
  for (const one of changes) terminal.done(changeText(one, dryRun));
  for (const one of differences) terminal.done(`  ${one}`);
  for (const one of all) terminal.warn(one);
  if (options.out === undefined && !dryRun)
    terminal.done(
      `${manager} runs \`holdfast run-due\` every 15 minutes and \`holdfast escalate --once\` every minute`,
    );
  terminal.document({
    ...{ command: 'schedule', action: 'install', dryRun, manager },
    ...{ start, changes, differences, warnings: all },
  });
  return 0;
}

/** Writes what a manager takes into a folder, for another machine or another tool. */
async function writeOut(
  { isRoot }: Host,
  input: { start: Start; manager: Manager; dryRun: boolean; folder: string },
): Promise<Changed> {
  const { start, manager, dryRun, folder } = input;
  const texts = {
    systemd: () => unitFiles(start, isRoot),
    launchd: () => agentFiles(start),
    cron: () => new Map([['crontab', cronBlock(start)]]),
  }[manager]();
  const planned = await planFiles(folder, texts, start);
  if (!dryRun) await writeFiles(planned);
  const changes = planned.map(({ file, text, before }): Change => ({
    change: before === undefined ? 'create' : before === text ? 'keep' : 'replace',
    where: file,
  }));
  return { changes, differences: [], warnings: [] };
}

/** What would keep the timers from doing what they are for. */
async function doubts(host: Host, config: Config, start: Start): Promise<string[]> {
  const lacked = await lackedBy(config, host, start.envFile);
  const { sinks, heartbeat } = config.notify;
  const file = start.envFile ?? usualEnvFile(host, config);
  return [
    ...(lacked.length === 0
      ? []
      : [
          `the timers do not have ${lacked.join(', ')}: write NAME=value, one a line, into ${file} with mode 600, and install again`,
        ]),
    ...(config.sources.every(({ schedule }) => schedule === undefined)
      ? ['no source has a `schedule`, so nothing is ever due']
      : []),
    ...(sinks.length === 0 && heartbeat === undefined
      ? ['nobody gets a message when something is wrong: name sinks or a heartbeat under `notify`']
      : []),
    ...(/\/_npx\//.test(start.program)
      ? [
          `${start.program} is in a cache of npx that is emptied: install Holdfast, then install the timers again`,
        ]
      : []),
  ];
}

function changeText({ change, where }: Change, dryRun: boolean): string {
  const words = dryRun
    ? {
        create: 'would create',
        replace: 'would replace',
        keep: 'would keep',
        remove: 'would remove',
      }
    : { create: 'created', replace: 'replaced', keep: 'kept', remove: 'removed' };
  return `${words[change]} ${where}`;
}

async function remove(
  host: Host,
  terminal: Terminal,
  options: Given & { readonly system: string | undefined },
): Promise<number> {
  const dryRun = options.dryRun === true;
  const config = options.system === undefined ? required(configOf(options)) : undefined;
  const isOther = config !== undefined && config.storeFrom !== 'file';
  const which = {
    system: config?.system ?? options.system ?? '',
    store: isOther ? config.store : undefined,
  };
  const managers: readonly Manager[] =
    options.manager === undefined ? await managersWith(host, which) : [options.manager];
  const done: Changed[] = [];
  for (const one of managers) done.push(await openManager(host, one).remove(which, { dryRun }));
  const changes = done.flatMap((one) => one.changes);
  const warnings = done.flatMap((one) => one.warnings);
  for (const one of changes) terminal.done(changeText(one, dryRun));
  for (const one of warnings) terminal.warn(one);
  if (changes.length === 0) terminal.note(`${which.system} has no timers here`);
  terminal.document({ command: 'schedule', action: 'remove', dryRun, changes, warnings });
  return 0;
}

/** Those that have timers of the system; that of this machine in any case, so that files which are not ours are named. */
async function managersWith(
  host: Host,
  which: Pick<Start, 'system' | 'store'>,
): Promise<Manager[]> {
  const own = (await allInstalled(host)).filter(({ start }) => isOf(start, which));
  const native = host.native === undefined ? [] : [host.native];
  return [...new Set([...native, ...own.map(({ manager }) => manager)])];
}

function isOf(start: Start, which: Pick<Start, 'system' | 'store'>): boolean {
  return start.system === which.system && start.store === which.store;
}

async function show(host: Host, terminal: Terminal, options: Given): Promise<number> {
  const config = configHere(options);
  const all = await allInstalled(host);
  const timers =
    config === undefined ? all : all.filter(({ start }) => start.system === config.system);
  const rows = timers.map(({ manager, verb, where, start, isActive, lastExit }) => [
    start.system,
    verb,
    manager,
    isActive === undefined ? 'unknown' : isActive ? 'active' : 'inactive',
    lastExit === undefined ? '' : `last ended with ${lastExit}`,
    where,
  ]);
  for (const line of table(rows)) terminal.line(line);
  const warnings = [
    ...new Set(await Promise.all(timers.map((one) => troubles(host, one, config)))),
  ].flat();
  for (const one of new Set(warnings)) terminal.warn(one);
  if (timers.length === 0) terminal.line('no timers: `holdfast schedule install` makes them');
  terminal.document({
    command: 'schedule',
    action: 'show',
    timers,
    warnings: [...new Set(warnings)],
  });
  return timers.length === 0 ? NONE_FOUND : 0;
}

function configHere(options: Given): Config | undefined {
  try {
    return configOf(options);
  } catch (error) {
    const isNamed = options.config !== undefined;
    if (!isNamed && error instanceof HoldfastError && error.code === 'CONFIG_INVALID')
      return undefined;
    throw error;
  }
}

/** What is wrong with a timer that is installed. */
async function troubles(
  host: Host,
  { where, start, isActive }: Installed,
  config: Config | undefined,
): Promise<string[]> {
  const gone = [start.config, start.node, start.program, start.envFile].filter(
    (one) => one !== undefined && !existsSync(one),
  );
  const now = config === undefined ? undefined : await startOf(host, config, start.envFile);
  const isSame = now !== undefined && now.store === start.store;
  const differences = isSame ? changesOf({ ...start, searchPath: now.searchPath }, now) : [];
  return [
    ...gone.map(
      (one) =>
        `${where} needs ${one ?? ''}, which does not exist: install again, or remove the timers`,
    ),
    ...(isActive === false ? [`${where} is not active: install again`] : []),
    ...(gone.length > 0 ? [] : differences.map((one) => `${one}: install again to start that`)),
    ...(config === undefined ? [] : await doubts(host, config, start)),
  ];
}
