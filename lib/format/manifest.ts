// The manifest: the small signed file that makes a backup. Written last; names the artifacts; holds nothing per entry.
import { en } from 'zod/locales';
import * as z from 'zod/mini';
import { HoldfastError } from '../errors.ts';
import { TRIGGER_KINDS } from './ids.ts';

export const MANIFEST_FORMAT = 1;

// Compiling a validator costs more than one process ever saves with it. What the parser finds is said in English.
z.config({ ...en(), jitless: true });

/** What a manifest may demand of its reader; one that is not listed here is refused. */
const KNOWN_FEATURES: readonly string[] = ['database', 'owner-names', 'parts'];

/** Problems beyond these are counted and not listed. */
export const MAX_LISTED_PROBLEMS = 1000;

/** Names of more users, or more groups, are left out: their numbers are in the archive. */
export const MAX_OWNER_NAMES = 1000;

const count = z.int().check(z.nonnegative());
const digest = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const time = z.iso.datetime({ precision: 3 });
const text = z.string().check(z.maxLength(4096));

export const problemSchema = z.strictObject({
  path: text,
  code: z.string().check(z.maxLength(64)),
  detail: text,
  tolerated: z.optional(z.boolean()),
});

const extentSchema = z.strictObject({
  offset: count,
  bytes: count,
  rawBytes: count,
  sha256: digest,
});

/** What the parts of an archive hold, in the order in which they stand. */
export const PART_CLASSES = ['large', 'small', 'directories'] as const;

/** For an archive that is one part of several. */
const partSchema = z.strictObject({
  class: z.enum(PART_CLASSES),
  firstPath: z.optional(text),
  firstPathBase64: z.optional(z.base64().check(z.maxLength(5464))),
});

const artifactSchema = z.strictObject({
  role: z.enum(['archive', 'scan', 'dump', 'globals', 'properties', 'index']),
  key: text,
  codec: z.enum(['gzip', 'zstd']),
  bytes: count,
  sha256: digest,
  crc32: z.string().check(z.regex(/^[0-9a-f]{8}$/)),
  /** For archives: where the table of the index is. */
  table: z.optional(extentSchema),
  part: z.optional(partSchema),
});

const gitSchema = z.strictObject({
  commit: text,
  branch: z.optional(text),
  tag: z.optional(text),
  dirty: z.boolean(),
});

/** Where the source stood; see place.ts. */
const placeSchema = z.strictObject({
  host: z.optional(text),
  machine: z.optional(z.string().check(z.regex(/^[0-9a-f]{32}$/))),
  path: z.optional(text),
  remote: z.optional(text),
});

const totalsSchema = z.strictObject({
  entries: count,
  files: count,
  /** Content of all files before compression. */
  contentBytes: count,
  /** Of `contentBytes`, what this run had to read; the rest was recognised as unchanged. */
  readBytes: count,
  /** How much of the archive was copied from the predecessor. */
  reusedBytes: count,
});

/** By the number in the archive, the name that it had where the backup was made. */
const ownerNames = z
  .record(z.string().check(z.regex(/^[1-9]\d{0,9}$/)), z.string().check(z.maxLength(256)))
  .check(z.refine((one) => Object.keys(one).length <= MAX_OWNER_NAMES));

const names = z.array(text).check(z.maxLength(10_000));
/** One value a table, a sequence or an extension. */
const perName = <T extends z.ZodMiniType>(value: T) => z.record(text, value);

/** What a database held, asked in the transaction that was dumped: a restored one must hold it too. */
const databaseSchema = z.strictObject({
  serverVersion: text,
  /** The version of pg_dump. */
  clientVersion: text,
  /** What pg_dump was told as the key of \restrict, so that a second dump can have the same bytes. */
  restrictKey: z.optional(z.string().check(z.regex(/^[A-Za-z0-9]{1,63}$/))),
  selection: z.strictObject({
    schemas: names,
    excludeSchemas: names,
    tables: names,
    excludeTables: names,
  }),
  settings: perName(text),
  extensions: perName(text),
  /** Those that own something, are granted something or stand in a policy. */
  roles: names,
  rows: perName(count),
  sequences: perName(
    z.strictObject({ last: z.string().check(z.regex(/^-?\d{1,19}$/)), used: z.boolean() }),
  ),
  /** The newest values of the configured columns. */
  newest: perName(z.nullable(text)),
  /** Policies, grants, functions, triggers, … */
  counts: perName(count),
});

const manifestSchema = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  requires: z.array(text).check(z.maxLength(64)),
  key: text,
  system: text,
  source: text,
  kind: text,
  id: text,
  trigger: z.strictObject({ kind: z.enum(TRIGGER_KINDS), at: time }),
  begin: time,
  end: time,
  /** The start of the last run that read every file. */
  fullAt: time,
  status: z.enum(['complete', 'partial']),
  problems: z.array(problemSchema).check(z.maxLength(MAX_LISTED_PROBLEMS)),
  problemCount: count,
  artifacts: z.array(artifactSchema).check(z.minLength(1), z.maxLength(64)),
  totals: totalsSchema,
  /** What the bytes of the artifacts depend on besides the source. */
  options: z.record(z.string().check(z.maxLength(64)), z.union([text, z.number(), z.boolean()])),
  /** Names of owners other than root; a manifest with them requires `owner-names`. */
  owners: z.optional(z.strictObject({ users: ownerNames, groups: ownerNames })),
  git: z.optional(gitSchema),
  package: z.optional(z.strictObject({ name: z.optional(text), version: z.optional(text) })),
  place: z.optional(placeSchema),
  /** For databases; a manifest with it requires `database`. */
  database: z.optional(databaseSchema),
  /** For a backup that was not made from its source: from what, and why. */
  origin: z.optional(
    z.strictObject({ reason: text, from: z.array(text).check(z.maxLength(1000)) }),
  ),
  tools: z.record(z.string().check(z.maxLength(64)), text),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type Artifact = z.infer<typeof artifactSchema>;
export type PartClass = (typeof PART_CLASSES)[number];
export type ManifestTotals = z.infer<typeof totalsSchema>;
export type DatabaseFacts = z.infer<typeof databaseSchema>;
export type GitState = z.infer<typeof gitSchema>;

/**
 * The manifest in a signed file's payload.
 *
 * `FORMAT_UNSUPPORTED` when it is of another version or requires what is unknown here, `BACKUP_DAMAGED` when it is malformed.
 */
export function parseManifest(payload: unknown, key: string): Manifest {
  const { format, requires } = (payload ?? {}) as { format?: unknown; requires?: unknown };
  const unknown = Array.isArray(requires)
    ? requires.filter((one) => !KNOWN_FEATURES.includes(String(one)))
    : [];
  if (format !== MANIFEST_FORMAT || unknown.length > 0) {
    const what =
      unknown.length > 0
        ? `requires ${unknown.map(String).join(', ')}`
        : `has format ${JSON.stringify(format)}`;
    throw new HoldfastError(
      'FORMAT_UNSUPPORTED',
      `${key} ${what}; known here is format ${MANIFEST_FORMAT}`,
      {
        hint: 'Use the version of Holdfast that wrote this backup, or a newer one.',
      },
    );
  }
  const result = manifestSchema.safeParse(payload);
  if (result.success) return result.data;
  const first = result.error.issues[0];
  throw new HoldfastError(
    'BACKUP_DAMAGED',
    `${key} is no manifest: ${first?.path.join('.') ?? ''}: ${first?.message ?? ''}`,
  );
}

/** The artifact of that role; `BACKUP_DAMAGED` when the manifest names none. */
export function artifactOf(manifest: Manifest, role: Artifact['role']): Artifact {
  const artifact = manifest.artifacts.find((one) => one.role === role);
  if (artifact !== undefined) return artifact;
  throw new HoldfastError('BACKUP_DAMAGED', `${manifest.key} names no ${role}`);
}

/** What a database held, in a few words: for listings. */
export interface DatabaseSummary {
  readonly serverVersion: string;
  readonly tables: number;
  readonly rows: number;
  /** The newest values of the configured columns. */
  readonly newest: DatabaseFacts['newest'];
}

export function databaseSummary(facts: DatabaseFacts): DatabaseSummary {
  const { serverVersion, newest } = facts;
  const counts = Object.values(facts.rows);
  const rows = counts.reduce((sum, count) => sum + count, 0);
  return { serverVersion, tables: counts.length, rows, newest };
}
