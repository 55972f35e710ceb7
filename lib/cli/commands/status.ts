// `holdfast status`: whether each source is protected as it should be. One block each, the verdict first.
import { rename, rm, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { unwellLines } from '../../alerts/alarm-lines.ts';
import type { Config } from '../../config/config.ts';
import type { UncoveredDatabase } from '../../config/init/uncovered.ts';
import { promisesOf } from '../../config/objectives.ts';
import { knownSources } from '../../engine/log.ts';
import type { Status } from '../../engine/status.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import { displayText } from '../../format/paths.ts';
import type { Objectives } from '../../policy/objectives.ts';
import { uncoveredIn } from '../doctor/uncovered.ts';
import { selectionsOf } from '../recovery-points/selections.ts';
import { resourcesShown, sayResources } from '../recovery-points/status.ts';
import { assertKnown } from '../store/known-sources.ts';
import type { Invocation } from '../invocation.ts';
import { lookAround } from '../look.ts';
import { openSession } from '../session.ts';
import { randomName } from '../../wiring/machine.ts';
import { NAGIOS_UNKNOWN, nagiosLine, nagiosUnknown, prometheusText } from '../output/monitor.ts';
import { statusLines } from '../output/status-text.ts';
import { Terminal } from '../output/terminal.ts';

interface Options {
  readonly nagios?: boolean;
  readonly prometheus?: string;
}

export async function run(names: string[], invocation: Invocation<Options>): Promise<number> {
  if (invocation.options.nagios !== true) return look(names, invocation);
  try {
    return await look(names, invocation);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    process.stdout.write(`${nagiosUnknown(error.message)}\n`);
    return NAGIOS_UNKNOWN;
  }
}

async function look(names: string[], { options, signal }: Invocation<Options>): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  await using session = await openSession({ options, signal, signing: 'none' });
  const { engine, config } = session;
  const objectives = promisesOf(config ?? { sources: [] });
  if (names.length > 0)
    assertKnown(names, [
      ...objectives.keys(),
      ...selectionsOf(config).map(({ name }) => name),
      ...(await knownSources(engine)).keys(),
    ]);
  const status = await lookAround(session, names);
  if (options.prometheus !== undefined)
    await putFile(options.prometheus, prometheusText(engine.system ?? '', status));
  if (options.nagios === true) {
    const { line, exit } = nagiosLine(status);
    process.stdout.write(`${line}\n`);
    return exit;
  }
  const exit = status.verdict === 'alarm' ? ERRORS.BACKUP_DAMAGED.exit : 0;
  // Cron mails whatever is printed.
  if (options.quiet === true && !terminal.json) {
    for (const line of unwellLines(status)) terminal.line(displayText(line));
    return exit;
  }
  const named = names.length > 0;
  const uncovered = config === undefined || named ? [] : await uncoveredIn(config);
  const asked = { objectives, named, notJudged: notJudgedTexts(uncovered, config) };
  for (const line of statusLines(status, asked, terminal)) terminal.line(line);
  const shown = await resourcesShown(engine, config, { names, status });
  if (shown !== undefined) sayResources(terminal, shown, engine.now());
  terminal.document({
    command: 'status',
    ...jsonOf(status, objectives),
    uncoveredDatabases: uncovered,
    ...(shown !== undefined && {
      recoveryPoints: shown.resources,
      recoveryPointsUnasked: shown.unasked,
    }),
  });
  return exit;
}

/** What has no verdict, because nothing here backs it up. */
function notJudgedTexts(
  uncovered: readonly UncoveredDatabase[],
  config: Config | undefined,
): string[] {
  const elsewhere = Object.entries(config?.otherDatabases ?? {})
    .filter(([, by]) => by === 'elsewhere')
    .map(([engine]) => engine);
  return [
    ...uncovered.map(({ message }) => `${message}; \`holdfast doctor\` says what to do`),
    ...(elsewhere.length === 0 ? [] : [`${elsewhere.join(', ')}: backed up elsewhere`]),
  ];
}

/** A collector never sees half of it. */
async function putFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomName()}`;
  try {
    await writeFile(draft, text, { flag: 'wx', mode: 0o644 });
    await rename(draft, file);
  } catch (cause) {
    throw new HoldfastError('COMMAND_FAILED', `${file} cannot be written`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
}

function jsonOf(
  { at, verdict, well, sources, store }: Status,
  objectives: ReadonlyMap<string, Objectives>,
): object {
  return {
    at,
    verdict,
    well,
    sources: sources.map((one) => {
      const objective = objectives.get(one.source);
      return {
        ...one,
        objectives: objective && {
          schedule: objective.schedule?.cron,
          timeZone: objective.schedule?.timeZone,
          rpoMs: objective.rpoMs,
          rtoMs: objective.rtoMs,
          graceMs: objective.graceMs,
          restoreTestMaxAgeMs: objective.restoreTestMaxAgeMs,
        },
      };
    }),
    store,
  };
}
