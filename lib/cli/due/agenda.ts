// What of a system is due from here, and what a stack does in its place.
import type { Config, SourceConfig } from '../../config/config.ts';
import { promisesOf } from '../../config/objectives.ts';
import { isOfStack } from '../../config/load/store-place.ts';
import { mayVouchFor, type Engine } from '../../engine/engine.ts';
import { measure } from '../../engine/measure.ts';
import { recordsPrefix } from '../../format/layout.ts';
import { agendaOf, type Agenda, type Due, type Duties } from '../../policy/due.ts';
import { aboutStore } from '../store/about.ts';

/** The agenda of a system. */
export interface SystemAgenda extends Agenda {
  readonly at: Date;
  /** Why something is not looked at, for people. */
  readonly remarks: readonly string[];
}

/** What comes first when several things are due: what is not protected yet, then what is not proven. */
const ORDER: readonly Due['verb'][] = ['backup', 'verify', 'restore-test'];

/** Reads from the store what is due now. Changes nothing. */
export async function lookAhead(engine: Engine, config: Config): Promise<SystemAgenda> {
  const { facts } = await measure(engine, {
    objectives: promisesOf(config),
    capacityBytes: undefined,
  });
  const configured = new Map(config.sources.map((one) => [one.name, one]));
  const agendas = facts.sources.map((one) =>
    agendaOf(one, dutiesOf(engine, config, configured.get(one.source)), facts.at),
  );
  const due = agendas.flatMap((one) => one.due);
  const later = agendas.flatMap((one) => one.later);
  return {
    at: facts.at,
    due: [...due].sort((a, b) => placeOf(a) - placeOf(b)),
    later: [...later].sort((a, b) => a.at.getTime() - b.at.getTime()),
    remarks: remarksOf(engine, config),
  };
}

/** Reading all content takes longest, and waits best. */
function placeOf(due: Due): number {
  return due.verb === 'verify' && due.level === 'content' ? ORDER.length : ORDER.indexOf(due.verb);
}

const NONE: Duties = { backs: false, verifies: 'none', tests: 'never', timeZone: 'UTC' };

function dutiesOf(engine: Engine, config: Config, source: SourceConfig | undefined): Duties {
  // Functions back up what they can reach, and prove everything.
  if (isOfStack(config)) return { ...NONE, backs: source?.kind === 'files' };
  const verifies = mayRecord(engine, 'verify', source?.name);
  const content = aboutStore(config.store).readingCosts ? 'unproven' : 'content';
  return {
    backs: source !== undefined,
    verifies: verifies ? content : 'none',
    tests: mayRecord(engine, 'restore-test', source?.name)
      ? (source?.restoreTest.every ?? 'never')
      : 'never',
    timeZone: source?.timeZone ?? 'UTC',
  };
}

/** Evidence that nobody believes would be made again each time. */
function mayRecord(engine: Engine, verb: string, source = ''): boolean {
  return mayVouchFor(engine, recordsPrefix(verb, source));
}

function remarksOf(engine: Engine, config: Config): string[] {
  const unscheduled = config.sources.filter(({ schedule }) => schedule === undefined);
  const names = unscheduled.map(({ name }) => name).join(', ');
  const remarks = unscheduled.length === 0 ? [] : [`without a schedule: ${names}`];
  if (isOfStack(config))
    return [...remarks, 'the functions of the stack back up all but folders, and prove everything'];
  const refused = ['verify', 'restore-test'].filter((verb) =>
    config.sources.some(({ name }) => !mayRecord(engine, verb, name)),
  );
  return [
    ...remarks,
    ...refused.map(
      (verb) =>
        `the key of this machine may not vouch for records/${verb}/: add that to its \`prefixes\` under \`trust\`, or nothing of the kind is done here`,
    ),
  ];
}
