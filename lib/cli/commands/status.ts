// `holdfast status`: whether each source is protected as it should be. One block each, the verdict first.
import { promisesOf } from '../../config/objectives.ts';
import { knownSources } from '../../engine/log.ts';
import type { Status } from '../../engine/status.ts';
import { ERRORS } from '../../errors.ts';
import type { Objectives } from '../../policy/objectives.ts';
import { selectionsOf } from '../recovery-points/selections.ts';
import { resourcesShown, sayResources } from '../recovery-points/status.ts';
import { assertKnown } from '../store/known-sources.ts';
import type { Invocation } from '../invocation.ts';
import { lookAround } from '../look.ts';
import { openSession } from '../session.ts';
import { statusLines } from '../output/status-text.ts';
import { Terminal } from '../output/terminal.ts';

export async function run(names: string[], { options, signal }: Invocation): Promise<number> {
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
  const named = names.length > 0;
  for (const line of statusLines(status, { objectives, named }, terminal)) terminal.line(line);
  const shown = await resourcesShown(engine, config, { names, status });
  if (shown !== undefined) sayResources(terminal, shown, engine.now());
  terminal.document({
    command: 'status',
    ...jsonOf(status, objectives),
    ...(shown !== undefined && {
      recoveryPoints: shown.resources,
      recoveryPointsUnasked: shown.unasked,
    }),
  });
  return status.verdict === 'alarm' ? ERRORS.BACKUP_DAMAGED.exit : 0;
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
