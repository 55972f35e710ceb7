// Records: the small signed file that every act leaves which makes no manifest, and the evidence of proofs among them.
import * as z from 'zod/mini';
import { HoldfastError } from '../errors.ts';
import { parseRecordKey } from './layout.ts';
import { MAX_LISTED_PROBLEMS, problemSchema } from './manifest.ts';

export const RECORD_FORMAT = 1;

export const VERBS = [
  'backup',
  'verify',
  'restore',
  'restore-test',
  'recovery-point',
  'prune',
  'pin',
  'unpin',
  'repair',
  'init',
] as const;
export type Verb = (typeof VERBS)[number];

/** Evidence ends proven, damaged or inconclusive; other acts done, partial or failed. A backup after a deployment leaves `begun` before. */
export const VERDICTS = [
  'proven',
  'damaged',
  'inconclusive',
  'done',
  'partial',
  'failed',
  'begun',
] as const;
export type Verdict = (typeof VERDICTS)[number];

const time = z.iso.datetime({ precision: 3 });
const text = z.string().check(z.maxLength(4096));

const recordSchema = z.strictObject({
  format: z.literal(RECORD_FORMAT),
  key: text,
  system: text,
  source: text,
  verb: z.enum(VERBS),
  /** The id of the backup that the act is about. */
  subject: text,
  who: text,
  begin: time,
  end: time,
  verdict: z.enum(VERDICTS),
  problems: z.array(problemSchema).check(z.maxLength(MAX_LISTED_PROBLEMS)),
  problemCount: z.int().check(z.nonnegative()),
  // Whatever JSON can hold. It came from JSON: that it is some is not asked again of each of thousands of values.
  facts: z.record(z.string().check(z.maxLength(64)), z.custom<z.core.util.JSONType>()),
});

export type Record = z.infer<typeof recordSchema>;
export type Facts = Record['facts'];

/** The record in a signed file's payload. `FORMAT_UNSUPPORTED` for other versions, `BACKUP_DAMAGED` when malformed. */
export function parseRecord(payload: unknown, key: string): Record {
  const { format } = (payload ?? {}) as { format?: unknown };
  if (format !== RECORD_FORMAT) {
    throw new HoldfastError(
      'FORMAT_UNSUPPORTED',
      `${key} has format ${JSON.stringify(format)}; known here is ${RECORD_FORMAT}`,
      {
        hint: 'Use the version of Holdfast that wrote it, or a newer one.',
      },
    );
  }
  const result = recordSchema.safeParse(payload);
  if (result.success) return standing(result.data, key);
  const first = result.error.issues[0];
  throw new HoldfastError(
    'BACKUP_DAMAGED',
    `${key} is no record: ${first?.path.join('.') ?? ''}: ${first?.message ?? ''}`,
  );
}

/** A key that may vouch for one verb must not speak for another: what a record says of itself is where it stands. */
function standing(record: Record, key: string): Record {
  const { verb, source, subject } = record;
  if (record.key !== key) {
    const named = JSON.stringify(record.key.slice(0, 200));
    throw new HoldfastError('BACKUP_DAMAGED', `${key} was written as ${named}`);
  }
  const place = parseRecordKey(key);
  if (place?.verb === verb && place.source === source && place.subject === subject) return record;
  throw new HoldfastError('BACKUP_DAMAGED', `${key} calls itself ${verb} of ${source}, ${subject}`);
}
