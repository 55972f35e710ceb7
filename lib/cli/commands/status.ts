// `holdfast status`: whether each source is protected as it should be. One block each, the verdict first.
import { promisesOf } from '../../config/objectives.ts';
import type { AwsConfig } from '../../config/config.ts';
import { knownSources } from '../../engine/log.ts';
import type { MeasureInput } from '../../engine/measure.ts';
import { statusOf, type Status } from '../../engine/status.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import type { Objectives } from '../../policy/objectives.ts';
import type { Store } from '../../stores/store.ts';
import { withFindings } from '../output/beside-status.ts';
import { pointFacts } from '../recovery-points/facts.ts';
import { selectionsOf } from '../recovery-points/selections.ts';
import { resourcesShown, sayResources } from '../recovery-points/status.ts';
import { assertKnown } from '../store/known-sources.ts';
import type { Invocation } from '../invocation.ts';
import { formerStoreFindings } from '../store/former-stores.ts';
import { otherSiteFindings } from '../same-site.ts';
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
  const status = withFindings(
    await statusOf(engine, {
      objectives,
      capacityBytes: config?.capacityBytes,
      sources: names,
      isReleased: releasesSeen(engine.store),
      locks: locksSeen(engine.store, config?.aws),
      contentMonths: config?.aws?.contentMonths,
      recoveryPoints: await pointFacts(engine, config),
    }),
    {
      config,
      doubt: session.doubt,
      former: await formerStoreFindings(config, engine.store),
      otherSites: await otherSiteFindings(session),
    },
  );
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

/** Whoever may read the backups may not always read their tags; then `status` says that it cannot see. */
function releasesSeen(store: Store): MeasureInput['isReleased'] {
  const isReleased = store.isReleased?.bind(store);
  return isReleased && ((key) => orUnseen(isReleased(key), undefined));
}

function locksSeen(store: Store, aws: AwsConfig | undefined): MeasureInput['locks'] {
  const lockedUntil = store.lockedUntil?.bind(store);
  if (lockedUntil === undefined || aws === undefined) return undefined;
  return {
    days: aws.lockDays,
    lockedUntil: (key) => orUnseen(lockedUntil(key), 'unseen' as const),
  };
}

async function orUnseen<T, U>(seen: Promise<T>, unseen: U): Promise<T | U> {
  try {
    return await seen;
  } catch (error) {
    if (error instanceof HoldfastError && error.code !== 'CANCELLED') return unseen;
    throw error;
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
