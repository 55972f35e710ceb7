// The keys of a store: which file of a system stands where.
import { compactTime, parseBackupId } from './ids.ts';

export const MARKER_KEY = 'holdfast.json';
/** What tells people who have the store alone how to restore from it. */
export const README_KEY = 'README.txt';
/** The id of a store whose marker was written without one. */
export const STORE_ID_KEY = 'holdfast-id.json';
export const BACKUPS_PREFIX = 'backups/';
export const RECORDS_PREFIX = 'records/';
/** What people were told of. */
export const INCIDENTS_PREFIX = 'incidents/';
export const REPORTS_PREFIX = 'reports/';

/** Names of systems and sources: they become parts of keys, of metrics and of policies. */
export const NAME_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Everything of one source. */
export function sourcePrefix(source: string): string {
  return `${BACKUPS_PREFIX}${source}/`;
}

/** Everything of one backup. */
export function backupPrefix(source: string, id: string): string {
  return `${sourcePrefix(source)}${id}/`;
}

export function manifestKey(source: string, id: string): string {
  return `${backupPrefix(source, id)}manifest.json`;
}

/** Artifacts carry a random part, so that two runs of one trigger never write the same key. */
export function artifactKey(
  backup: { source: string; id: string },
  name: { role: string; random: string; extension: string },
): string {
  return `${backupPrefix(backup.source, backup.id)}${name.role}-${name.random}.${name.extension}`;
}

/** The parts of a key below `backups/`, or undefined for any other key. */
export function parseBackupKey(
  key: string,
): { source: string; id: string; file: string } | undefined {
  const [prefix, source, id, file, ...rest] = key.split('/');
  if (prefix !== 'backups' || source === undefined || id === undefined || file === undefined) {
    return undefined;
  }
  if (rest.length > 0 || !NAME_PATTERN.test(source) || parseBackupId(id) === undefined)
    return undefined;
  return { source, id, file };
}

/** The records of one verb about all sources. */
export function verbPrefix(verb: string): string {
  return `${RECORDS_PREFIX}${verb}/`;
}

export function recordsPrefix(verb: string, source: string): string {
  return `${verbPrefix(verb)}${source}/`;
}

/** An event of an incident; `number` is its place among them. */
export function incidentKey(incident: string, number: number, event: string): string {
  return `${INCIDENTS_PREFIX}${incident}/${number}-${event}.json`;
}

/** What can happen in an incident; a key of the store ends in one of these words. */
export const INCIDENT_EVENTS = [
  'opened',
  'joined',
  'recovered',
  'relapsed',
  'acknowledged',
  'noted',
  'resolved',
  'trying',
  'tried',
  'claim',
  'sent',
  'failed',
] as const;

/** Incidents are numbered, so that of two writers of the next one exactly one opens it. */
export function incidentName(number: number): string {
  return String(number).padStart(6, '0');
}

/** The incidents that are listed together. */
export const INCIDENTS_IN_BLOCK = 10;

/** The beginning of the keys of a block of incidents; `size` is 10 or 100, and `number` the first of it. */
export function incidentBlockPrefix(number: number, size: number): string {
  return `${INCIDENTS_PREFIX}${incidentName(number).slice(0, -Math.log10(size))}`;
}

/** Everything of one incident. */
export function incidentPrefix(incident: string): string {
  return `${INCIDENTS_PREFIX}${incident}/`;
}

/** An event of a numbered incident. `detail` tells apart what may happen several times under one sequence number. */
export function numberedIncidentKey({
  incident,
  sequence,
  event,
  detail,
}: {
  readonly incident: string;
  readonly sequence: number;
  readonly event: string;
  readonly detail?: string | undefined;
}): string {
  const name = `${String(sequence).padStart(4, '0')}-${event}`;
  return `${incidentPrefix(incident)}${name}${detail === undefined ? '' : `-${detail}`}.json`;
}

const NUMBERED = /^incidents\/(\d{6})\/(\d{4})-([a-z]+)(?:-([A-Za-z0-9._-]{1,200}))?\.json$/;

/** The parts of the key of an event of a numbered incident; undefined for any other key. */
export function parseIncidentKey(
  key: string,
): { incident: string; sequence: number; event: string; detail: string | undefined } | undefined {
  const match = NUMBERED.exec(key);
  if (match === null) return undefined;
  const [, incident = '', sequence = '', event = '', detail] = match;
  return { incident, sequence: Number(sequence), event, detail };
}

/** The checkpoint of the quarter of an hour in which `time` is. */
export function checkpointKey(time: Date): string {
  const quarter = new Date(Math.floor(time.getTime() / QUARTER_MS) * QUARTER_MS);
  return `${INCIDENTS_PREFIX}checkpoint-${compactTime(quarter)}.json`;
}

/** What a key that may vouch only for some events needs besides, so that its checkpoints count. */
export const CHECKPOINT_EVENT = 'checkpoint';

/** How long a checkpoint is the newest one. */
export const QUARTER_MS = 15 * 60_000;

/** Records are sorted by the time they began; `subject` is the id of what they are about. */
export function recordKey(record: {
  verb: string;
  source: string;
  begin: Date;
  subject: string;
}): string {
  return `${recordsPrefix(record.verb, record.source)}${compactTime(record.begin)}-${record.subject}.json`;
}

const RECORD = /^records\/([a-z-]+)\/([a-z0-9-]+)\/(\d{8}T\d{9}Z)-([A-Za-z0-9-]+)\.json$/;

/** The parts of a record's key, or undefined for any other key. */
export function parseRecordKey(
  key: string,
): { verb: string; source: string; time: string; subject: string } | undefined {
  const match = RECORD.exec(key);
  if (match === null) return undefined;
  const [, verb = '', source = '', time = '', subject = ''] = match;
  return { verb, source, time, subject };
}
