// The manifest: the small signed file that makes a backup. Written last; names the artifacts; holds nothing per entry.
import * as z from 'zod';
import { HoldfastError } from '../errors.ts';
import { TRIGGER_KINDS } from './ids.ts';

export const MANIFEST_FORMAT = 1;

// Compiling a validator costs more than one process ever saves with it.
z.config({ jitless: true });

/** What a manifest may demand of its reader; one that is not listed here is refused. */
const KNOWN_FEATURES: readonly string[] = [];

/** Problems beyond these are counted and not listed. */
export const MAX_LISTED_PROBLEMS = 1000;

const count = z.int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const time = z.iso.datetime({ precision: 3 });
const text = z.string().max(4096);

export const problemSchema = z.strictObject({
  path: text,
  code: z.string().max(64),
  detail: text,
  tolerated: z.boolean().optional(),
});

const extentSchema = z.strictObject({
  offset: count,
  bytes: count,
  rawBytes: count,
  sha256: digest,
});

const artifactSchema = z.strictObject({
  role: z.enum(['archive', 'scan', 'dump', 'globals']),
  key: text,
  codec: z.enum(['gzip', 'zstd']),
  bytes: count,
  sha256: digest,
  crc32: z.string().regex(/^[0-9a-f]{8}$/),
  /** Of archives: where the table of the index stands. */
  table: extentSchema.optional(),
});

const gitSchema = z.strictObject({
  commit: text,
  branch: text.optional(),
  tag: text.optional(),
  dirty: z.boolean(),
});

const totalsSchema = z.strictObject({
  entries: count,
  files: count,
  /** Content of all files before compression. */
  contentBytes: count,
  /** Of `contentBytes`, what this run had to read; the rest was recognised as unchanged. */
  readBytes: count,
  /** Of the archive, what was copied from the predecessor. */
  reusedBytes: count,
});

const manifestSchema = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  requires: z.array(text).max(64),
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
  problems: z.array(problemSchema).max(MAX_LISTED_PROBLEMS),
  problemCount: count,
  artifacts: z.array(artifactSchema).min(1).max(64),
  totals: totalsSchema,
  /** What the bytes of the artifacts depend on besides the source. */
  options: z.record(z.string().max(64), z.union([text, z.number(), z.boolean()])),
  git: gitSchema.optional(),
  package: z.strictObject({ name: text.optional(), version: text.optional() }).optional(),
  /** For a backup that was not made from its source: from what, and why. */
  origin: z.strictObject({ reason: text, from: z.array(text).max(1000) }).optional(),
  tools: z.record(z.string().max(64), text),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type Artifact = z.infer<typeof artifactSchema>;
export type ManifestTotals = z.infer<typeof totalsSchema>;
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
