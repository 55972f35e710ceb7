// `holdfast status`: whether each source is protected as it should be. One block each, the verdict first.
import type { Config } from '../../config/config.ts';
import { knownSources } from '../../engine/log.ts';
import { statusOf, type Objectives, type Status } from '../../engine/status.ts';
import { ERRORS } from '../../errors.ts';
import { parseSchedule } from '../../policy/schedule.ts';
import { withFindings } from '../beside-status.ts';
import { assertKnown } from '../known-sources.ts';
import type { Invocation } from '../invocation.ts';
import { formerStoreFindings } from '../former-stores.ts';
import { otherSiteFindings } from '../same-site.ts';
import { openSession } from '../session.ts';
import { statusLines } from '../status-text.ts';
import { Terminal } from '../terminal.ts';

export async function run(names: string[], { options, signal }: Invocation): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  await using session = await openSession({ options, signal, signing: 'none' });
  const { engine, config } = session;
  const objectives = objectivesOf(config);
  if (names.length > 0)
    assertKnown(names, [...objectives.keys(), ...(await knownSources(engine)).keys()]);
  const status = withFindings(
    await statusOf(engine, { objectives, capacityBytes: config?.capacityBytes, sources: names }),
    {
      config,
      doubt: session.doubt,
      former: await formerStoreFindings(config, engine.store),
      otherSites: await otherSiteFindings(session),
    },
  );
  const named = names.length > 0;
  for (const line of statusLines(status, { objectives, named }, terminal)) terminal.line(line);
  terminal.document({ command: 'status', ...jsonOf(status, objectives) });
  return status.verdict === 'alarm' ? ERRORS.BACKUP_DAMAGED.exit : 0;
}

function objectivesOf(config: Config | undefined): Map<string, Objectives> {
  return new Map(
    (config?.sources ?? []).map(
      ({ name, schedule, timeZone, rpoMs, rtoMs, graceMs, restoreTest }) => [
        name,
        {
          schedule: schedule === undefined ? undefined : parseSchedule(schedule, timeZone),
          rpoMs,
          rtoMs,
          graceMs,
          restoreTestMaxAgeMs: restoreTest.maxAgeMs,
        },
      ],
    ),
  );
}

function jsonOf(
  { at, verdict, sources, store }: Status,
  objectives: Map<string, Objectives>,
): object {
  return {
    at,
    verdict,
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
