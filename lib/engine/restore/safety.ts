// Safety backups: what restores in place saved of a folder, kept beside it, and what each of those restores was about.
import path from 'node:path';
import { HoldfastError, type Problem } from '../../errors.ts';
import type { Signer } from '../../format/signed.ts';
import { effectiveTime } from '../../policy/order.ts';
import type { OpenBackup } from '../../sources/source.ts';
import type { Store } from '../../stores/store.ts';
import { listStored, newestBackups, openBackup } from '../catalog/backups.ts';
import type { Engine } from '../engine.ts';
import { readRecords, writeRecord } from '../catalog/records.ts';

/** Where safety backups of a folder are. */
export interface SafetyPlace {
  /** The folder that is restored over; absolute, exists. */
  readonly folder: string;
  /** The folder in which safety backups are kept; made when it is needed. */
  readonly safety: string;
  /** Opens that folder. */
  readonly openSafety: () => Promise<Store>;
  /** Signs safety backups where no key is configured: they are for this machine alone. */
  readonly safetySigner: Signer;
}

/** The folder beside `target` that holds what restores in place have overwritten, where it can be there. */
export function safetyFolder(target: string): string {
  return path.join(path.dirname(target), `.${path.basename(target)}.holdfast-safety`);
}

/** An engine on a store of its own: the target's own store may be read-only, or be what is being restored. */
export async function openSafetyStore(engine: Engine, place: SafetyPlace): Promise<Engine> {
  const store = await place.openSafety();
  const signer = engine.signer ?? place.safetySigner;
  return { ...engine, system: 'safety', store, signer, trusted: [], trustAnyone: true };
}

/** What a restore in place set out to do. */
export interface Intent {
  readonly source: string;
  /** The id of its safety backup. */
  readonly id: string;
  /** The id of the backup that it restores; steps of one undo have the same. */
  readonly of: string;
  readonly paths: readonly string[];
  /** Byte strings of what it makes where nothing stood. */
  readonly created: readonly string[];
  /** True for a step of an undo that another one follows. */
  readonly step: boolean;
}

/** Notes an intent, before anything is saved or made. */
export async function writeIntent(safety: Engine, intent: Intent): Promise<void> {
  const { source, id, of, paths, created, step } = intent;
  const act = { verb: 'restore', source, subject: id, begin: safety.now() } as const;
  const facts = { of, paths: [...paths], created: [...created], step };
  await writeRecord(safety, { ...act, verdict: 'done', problems: [], facts });
}

/** Notes that what was intended has been done as a whole. */
export async function finishIntents(
  safety: Engine,
  intents: readonly Pick<Intent, 'source' | 'id'>[],
): Promise<void> {
  for (const { source, id } of intents) {
    const act = { verb: 'restore', source, subject: id, begin: safety.now() } as const;
    await writeRecord(safety, { ...act, verdict: 'done', problems: [], facts: { finished: true } });
  }
}

/** Notes the same of a run that did all and was interrupted before it could: begun again, it found nothing left to do. */
export async function finishInterrupted(
  engine: Engine,
  place: SafetyPlace,
  of: string,
): Promise<void> {
  const safety = await openSafetyStore(engine, place);
  const [newest] = await listIntents(safety);
  if (newest?.of === of && !newest.finished) await finishIntents(safety, [newest]);
}

type Noted = Intent & {
  readonly finished: boolean;
  /** When the whole of it was done. */
  readonly finishedAt: Date | undefined;
  readonly at: Date;
};

/** The intents whose safety backups exist, newest first. */
async function listIntents(safety: Engine): Promise<Noted[]> {
  const intents: Noted[] = [];
  for await (const one of newestBackups(safety, await listStored(safety))) {
    const { source, id } = one.stored;
    intents.push({ ...(await readIntent(safety, source, id)), at: effectiveTime(one) });
  }
  return intents;
}

async function readIntent(safety: Engine, source: string, id: string): Promise<Omit<Noted, 'at'>> {
  const onProblem = (problem: Problem): never => {
    throw new HoldfastError('BACKUP_DAMAGED', `${problem.path}: ${problem.detail}`);
  };
  const subjects = new Set([id]);
  const records = await readRecords(safety, 'restore', source, { subjects, onProblem });
  const facts = records.map(({ record }) => record.facts);
  const ends = records.flatMap(({ record }) => (record.facts['finished'] === true ? [record] : []));
  const texts = (name: string) =>
    facts.flatMap(({ [name]: list }) =>
      Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [],
    );
  const of = facts.map((one) => one['of']).find((one) => typeof one === 'string') ?? '';
  return {
    source,
    id,
    of,
    paths: texts('paths'),
    created: texts('created'),
    step: facts.some((one) => one['step'] === true),
    finished: ends.length > 0,
    finishedAt: ends.map(({ begin }) => new Date(begin)).at(-1),
  };
}

/** What takes back one restore in place: the backup of what was there, and what has to go. */
export interface Undo {
  readonly backup: OpenBackup;
  readonly remove: readonly string[];
}

/** What takes back the last restore in place as a whole. */
export interface Undoing {
  /** By this the steps belong together. */
  readonly of: string;
  /** When that restore began. */
  readonly at: Date;
  /** When the whole of it was done; undefined for one that was interrupted. */
  readonly finishedAt: Date | undefined;
  /** In this order; more than one where runs were interrupted and begun again, as each saved what it found. */
  readonly steps: readonly Undo[];
  /** To be called when all steps are done. */
  finish(): Promise<void>;
}

/** How to take back the last restore in place of a folder. `BACKUP_NOT_FOUND` when there is none. */
export async function lastSafety(engine: Engine, place: SafetyPlace): Promise<Undoing> {
  const safety = await openSafetyStore(engine, place);
  const chain = chainOf(await listIntents(safety));
  const [newest] = chain;
  if (newest === undefined) {
    throw new HoldfastError(
      'BACKUP_NOT_FOUND',
      `no restore in place of ${place.folder} can be undone: ${safety.store.url} holds nothing`,
    );
  }
  const steps: Undo[] = [];
  for (const { source, id, created } of chain) {
    steps.push({ backup: await openBackup(safety, source, id), remove: created });
  }
  const finish = async () => {
    const open = (await listIntents(safety)).filter((one) => one.of === newest.id);
    await finishIntents(
      safety,
      [...open, ...chain].filter(({ finished }) => !finished),
    );
  };
  return { of: newest.id, at: newest.at, finishedAt: newest.finishedAt, steps, finish };
}

/** The newest, and those before it without which it would take back a part. */
function chainOf(intents: readonly Noted[]): Noted[] {
  const chain: Noted[] = [];
  let at = 0;
  for (let one = intents[at]; one !== undefined; one = intents[at]) {
    chain.push(one);
    at = nextOf(intents, at);
  }
  return chain;
}

/** The place of the one that has to be taken back after that at `at`; beyond the end when there is none. */
function nextOf(intents: readonly Noted[], at: number): number {
  const one = intents[at];
  // An undo that was interrupted is taken back itself, and then what it was to undo.
  const undone = intents.findIndex(({ id }) => id === one?.of);
  if (one?.finished === false && undone > at) return undone;
  // An earlier run of the same restore did not come to its end, or an earlier step of the same undo did its part.
  const before = intents[at + 1];
  const same = before?.of === one?.of && before?.paths.join('\0') === one?.paths.join('\0');
  return same && (before?.finished === false || before?.step === true) ? at + 1 : intents.length;
}
