// Which incidents a store holds, and what they are now: computed from their signed records each time.
import pMap from 'p-map';
import { HoldfastError, type Problem } from '../../errors.ts';
import { parseCheckpoint, type Checkpoint } from '../../format/incident.ts';
import {
  CHECKPOINT_EVENT,
  checkpointKey,
  incidentBlockPrefix,
  incidentName,
  incidentPrefix,
  INCIDENTS_PREFIX,
  INCIDENTS_IN_BLOCK,
  numberedIncidentKey,
  parseIncidentKey,
  QUARTER_MS,
} from '../../format/layout.ts';
import { decodeSigned, encodeSigned } from '../../format/signed.ts';
import { DAY_MS, HOUR_MS } from '../../durations.ts';
import { isUnfinished } from '../../policy/incidents/escalation.ts';
import type { LinkPlace, LinkRecord } from '../../policy/incidents/link.ts';
import {
  incidentOf,
  isAboutMessage,
  isResult,
  type Incident,
  type IncidentEvent,
} from '../../policy/incidents/state.ts';
import type { StoredObject } from '../../stores/store.ts';
import { isUnreadable, READ_AT_ONCE, readSmall } from '../catalog/backups.ts';
import { readIncidentRecord } from './record.ts';
import { identityOf, rememberedOf } from './remembered.ts';
import { signerOf, type Engine } from '../engine.ts';

export interface KnownIncidents {
  /** Those that are open, and those that were over lately; the oldest first. */
  readonly incidents: readonly Incident[];
  /** The number of the newest one, whether anybody vouches for it or not. */
  readonly last: number;
  /** Records that nobody vouches for, or that cannot be read: they decide nothing, and somebody has to hear of them. */
  readonly problems: readonly Problem[];
}

/** What was over for so long before a checkpoint was finished there. */
const LATELY_MS = HOUR_MS;
/** For so long somebody hears of a record that nobody vouches for: it can never be deleted, and is harmless. */
const NEWS_MS = DAY_MS;
/** Older checkpoints are looked for by a list. */
const CHECKPOINTS = 8;
/** `incidents/checkpoint-202611` */
const MONTH_CHARACTERS = 'incidents/checkpoint-202611'.length;

/** The incidents that matter now; with `further`, those too that were over and of which something was said since; with `all`, every one that there is. */
export async function readIncidents(
  engine: Engine,
  {
    checkpoint,
    all = false,
    further = false,
  }: { checkpoint?: Checkpoint | undefined; all?: boolean; further?: boolean } = {},
): Promise<KnownIncidents> {
  const from = all ? undefined : checkpoint;
  const incidents: Incident[] = [];
  const problems: Problem[] = [];
  let last = 0;
  // Block by block, so that a store still knows where what was listed is.
  for await (const found of blocksFrom(engine, from, further)) {
    for (const [id, objects] of found) {
      last = Math.max(last, Number(id));
      if (from !== undefined && isPast({ id, objects }, from)) continue;
      const incident = incidentOf(await readEvents(engine, objects, problems));
      if (incident !== undefined) incidents.push(incident);
    }
  }
  return { incidents, last, problems };
}

/** What was over at the checkpoint, and not just before. A record that nobody vouches for ends nothing: the checkpoint knows. */
function isPast(
  { id, objects }: { readonly id: string; readonly objects: readonly StoredObject[] },
  { open, last, at }: Checkpoint,
): boolean {
  if (Number(id) > last || open.includes(id)) return false;
  // Something may have been said of it since.
  const newest = Math.max(...objects.map(({ storedAt }) => storedAt.getTime()));
  const isOver = objects.some(({ key }) => parseIncidentKey(key)?.event === 'resolved');
  return isOver && newest < Date.parse(at) - LATELY_MS;
}

type Block = ReadonlyMap<string, readonly StoredObject[]>;

/**
 * The records of each incident: of those that the checkpoint calls open, and of all from its last one on, until there are none. With
 * `further`, those of a hundred before are among them.
 */
async function* blocksFrom(
  engine: Engine,
  { open, last }: Pick<Checkpoint, 'open' | 'last'> = { open: [], last: 0 },
  further = false,
): AsyncGenerator<Block> {
  const from = further ? Math.max(0, startOf(last, FURTHER) - FURTHER) : startOf(last);
  const before = open.filter((id) => startOf(Number(id)) < from).sort();
  const blocks = [
    ...Map.groupBy(before, (id) => incidentBlockPrefix(startOf(Number(id)), INCIDENTS_IN_BLOCK)),
  ];
  // One that is alone in its block is listed without those that are over: a list costs the same, and is read faster.
  const prefixes = blocks.map(([block, [id = '', ...others]]) =>
    others.length > 0 ? block : incidentPrefix(id),
  );
  for (let first = 0; first < prefixes.length; first += LISTED_AT_ONCE)
    yield* await Promise.all(
      prefixes.slice(first, first + LISTED_AT_ONCE).map((prefix) => listUnder(engine, prefix)),
    );
  // As few lists as there can be for what is read seldom, and as short ones for what is read each minute.
  let size = further ? FURTHER : INCIDENTS_IN_BLOCK;
  for (let number = from; ; number += size) {
    if (number > last) size = INCIDENTS_IN_BLOCK;
    const block = await listBlock(engine, number, size);
    yield block;
    if (number + size > last && !block.has(incidentName(number + size - 1))) return;
  }
}

/** The records of every incident, without those about messages. */
export async function listActs(engine: Engine): Promise<Block> {
  const acts = new Map<string, StoredObject[]>();
  for (let digit = 0; digit < 10; digit += 1) {
    // Beside the numbered ones lie as many checkpoints as quarters of an hour have passed.
    const found = await listUnder(engine, `${INCIDENTS_PREFIX}${digit}`);
    if (found.size === 0) break;
    for (const [id, objects] of found)
      acts.set(
        id,
        objects.filter(({ key }) => !isAboutMessage(parseIncidentKey(key)?.event ?? '')),
      );
  }
  return acts;
}

const FURTHER = 10 * INCIDENTS_IN_BLOCK;
/** A store knows for a while where what was listed is. */
const LISTED_AT_ONCE = 4;

function startOf(number: number, size = INCIDENTS_IN_BLOCK): number {
  return number - (number % size);
}

function listBlock(
  engine: Engine,
  number: number,
  size: number = INCIDENTS_IN_BLOCK,
): Promise<Block> {
  return listUnder(engine, incidentBlockPrefix(number, size));
}

async function listUnder(engine: Engine, prefix: string): Promise<Block> {
  const found = new Map<string, StoredObject[]>();
  for await (const object of engine.store.list(prefix)) {
    const place = parseIncidentKey(object.key);
    if (place === undefined) continue;
    const objects = found.get(place.incident);
    if (objects === undefined) found.set(place.incident, [object]);
    else objects.push(object);
  }
  return found;
}

/** What the records of an incident say, in their order. */
export async function readEvents(
  engine: Engine,
  objects: readonly StoredObject[],
  problems: Problem[],
): Promise<IncidentEvent[]> {
  const { events: known } = rememberedOf(engine);
  const read = async (object: StoredObject) => {
    const identity = identityOf(object);
    const event = known.get(identity) ?? (await readEvent(engine, object, problems));
    if (event !== undefined) known.set(identity, event);
    return event;
  };
  const all = async (some: readonly StoredObject[]) =>
    (await pMap(some, read, { concurrency: READ_AT_ONCE })).filter((one) => one !== undefined);
  const isEnded = ended(objects.map(({ key }) => parseIncidentKey(key)));
  const events = await all(objects.filter(({ key }) => !isEnded(parseIncidentKey(key))));
  // The result of a message says all that its claim does, if a trusted key vouches for it.
  const isKnown = ended(events);
  const claims = objects.filter(({ key }) => {
    const place = parseIncidentKey(key);
    return isEnded(place) && !isKnown(place);
  });
  return [...events, ...(await all(claims))];
}

type MessagePlace = { readonly event: string; readonly detail: string | undefined } | undefined;

/** Whether an event is the claim of a message whose result is among `places`. */
function ended(places: readonly MessagePlace[]): (place: MessagePlace) => boolean {
  const details = new Set(
    places.flatMap((one) => (one && isResult(one.event) ? [one.detail] : [])),
  );
  return (place) => place?.event === 'claim' && details.has(place.detail);
}

/** What a record says; undefined, and a problem, for one that nobody vouches for. */
async function readEvent(
  engine: Engine,
  object: StoredObject,
  problems: Problem[],
): Promise<IncidentEvent | undefined> {
  const { key } = object;
  const place = parseIncidentKey(key);
  if (place === undefined) return undefined;
  const { record, problem, signedBy } = await readIncidentRecord(engine, object);
  if (record === undefined) {
    const isNews = object.storedAt.getTime() > engine.now().getTime() - NEWS_MS;
    if (isNews) problems.push({ path: key, ...problem });
    return undefined;
  }
  return {
    ...place,
    ...{ who: record.who, signedBy },
    at: new Date(record.at),
    conditions: record.conditions ?? [],
    text: record.text,
    began: record.began === undefined ? undefined : new Date(record.began),
    how: record.how,
    settleMs: record.settleMs ?? 0,
    again: record.again ?? true,
    outcome: record.outcome,
    sets: record.sets,
    starts: record.starts,
  };
}

/** One incident, without the messages about it; undefined where nothing has opened it. */
export async function readIncident(engine: Engine, id: string): Promise<Incident | undefined> {
  const events: IncidentEvent[] = [];
  for await (const object of engine.store.list(incidentPrefix(id))) {
    const event = parseIncidentKey(object.key)?.event;
    if (event === undefined || isAboutMessage(event)) continue;
    const read = await readEvent(engine, object, []);
    if (read !== undefined) events.push(read);
  }
  return incidentOf(events);
}

/** What was written down of the link in a message; undefined where nobody vouches for such a message, or it carries none. */
export async function readLink(
  engine: Engine,
  { incident, detail }: LinkPlace,
): Promise<LinkRecord | undefined> {
  const key = numberedIncidentKey({ incident, sequence: 0, event: 'claim', detail });
  const object = await engine.store.head(key);
  const record = object && (await readIncidentRecord(engine, object)).record;
  if (record?.link === undefined) return undefined;
  const { digest, expires } = record.link;
  return { digest, expires: new Date(expires), at: new Date(record.at) };
}

/** The newest checkpoint of the last two hours, and whether it is of this quarter of an hour. */
export async function readCheckpoint(
  engine: Engine,
): Promise<{ checkpoint: Checkpoint | undefined; isCurrent: boolean }> {
  const now = engine.now().getTime();
  const remembered = rememberedOf(engine);
  const current = checkpointKey(new Date(now));
  if (remembered.checkpoint?.key === current)
    return { checkpoint: remembered.checkpoint.checkpoint, isCurrent: true };
  for (let back = 0; back < CHECKPOINTS; back += 1) {
    const object = await engine.store.head(checkpointKey(new Date(now - back * QUARTER_MS)));
    if (object === undefined) continue;
    const checkpoint = await readOne(engine, object);
    if (checkpoint === undefined) continue;
    if (back === 0) remembered.checkpoint = { key: current, checkpoint };
    return { checkpoint, isCurrent: back === 0 };
  }
  return { checkpoint: await newestOfMonths(engine), isCurrent: false };
}

/** After a longer pause, as of a laptop at night: the newest checkpoint of this month, or of the one before. */
async function newestOfMonths(engine: Engine): Promise<Checkpoint | undefined> {
  const now = engine.now();
  const current = checkpointKey(now);
  const before = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1));
  for (const month of [now, before]) {
    const objects: StoredObject[] = [];
    for await (const object of engine.store.list(checkpointKey(month).slice(0, MONTH_CHARACTERS)))
      if (object.key < current) objects.push(object);
    for (const object of objects.reverse()) {
      const checkpoint = await readOne(engine, object);
      if (checkpoint !== undefined) return checkpoint;
    }
  }
  return undefined;
}

async function readOne(engine: Engine, object: StoredObject): Promise<Checkpoint | undefined> {
  try {
    const bytes = await readSmall(engine, object);
    const { payload, distrust, keyId } = decodeSigned(bytes, object.key, engine.trusted);
    // A key that may vouch only for some events must not hide an incident.
    const isLimited = engine.trusted.some(
      (one) => one.keyId === keyId && one.events?.includes(CHECKPOINT_EVENT) === false,
    );
    const counts = distrust === undefined && !isLimited;
    const checkpoint = counts ? parseCheckpoint(payload) : undefined;
    return checkpoint?.system === engine.system ? checkpoint : undefined;
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** Whether it is unfinished, or was over so lately that what it was about may come and go. */
function matters(incident: Incident, at: Date): boolean {
  const { resolved } = incident;
  const isLate = resolved !== undefined && resolved.at.getTime() > at.getTime() - LATELY_MS;
  return isLate || isUnfinished(incident, at);
}

/** Writes down which incidents matter, so that the next run need not look at the others. Whoever is first in a quarter does it. */
export async function writeCheckpoint(
  engine: Engine,
  { incidents, last }: KnownIncidents,
): Promise<void> {
  const at = engine.now();
  const key = checkpointKey(at);
  const payload = {
    ...{ format: 1, key, system: engine.system, at: at.toISOString(), last },
    open: incidents.filter((one) => matters(one, at)).map(({ id }) => id),
  };
  try {
    await engine.store.put(key, await encodeSigned(payload, signerOf(engine)));
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'STORE_CONFLICT') throw error;
  }
}
