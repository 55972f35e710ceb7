// What a resource held when its recovery point was made, as a record keeps it for the restore tests to come.
import * as z from 'zod/mini';
import type { Problem } from '../../errors.ts';

const digest = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const count = z.int().check(z.nonnegative());

/** A value of an attribute that is part of a key: bytes as base64. */
const keyValue = z.union([
  z.strictObject({ S: z.string() }),
  z.strictObject({ N: z.string() }),
  z.strictObject({ B: z.string() }),
]);

const heldTable = z.strictObject({
  kind: z.literal('dynamodb'),
  /** `tenant HASH S`, `created RANGE N`. */
  keys: z.array(z.string()),
  /** Each index with its keys and its projection; in the order of the alphabet. */
  indexes: z.array(z.string()),
  count,
  /** False for a large table: then it is what DynamoDB says of it, which is up to six hours old. */
  counted: z.boolean(),
  /** What the previous record of this table counted; null for the first one. */
  countBefore: z.nullable(count),
  samples: z.array(
    z.strictObject({
      key: z.record(z.string(), keyValue),
      digest,
      /** It was the same when the previous recovery point was recorded: so it was in between, when this one was made. */
      settled: z.boolean(),
    }),
  ),
});

const heldBucket = z.strictObject({
  kind: z.literal('s3'),
  /** So many objects at least and at most: some came or went while the recovery point was made. */
  least: count,
  most: count,
  /** Objects in an archive class, which AWS Backup leaves out. */
  archived: count,
  /** Those that did not change while the recovery point was made. */
  samples: z.array(
    z.strictObject({
      key: z.string(),
      bytes: count,
      /** Of its first bytes, so many. */
      digest,
      digestBytes: count,
    }),
  ),
});

const held = z.union([heldTable, heldBucket]);

export type HeldTable = z.infer<typeof heldTable>;
export type HeldBucket = z.infer<typeof heldBucket>;
export type Held = z.infer<typeof held>;
export type ItemKey = HeldTable['samples'][number]['key'];

/** A key as people read it: `tenant=a, created=5`. */
export function keyText(key: ItemKey): string {
  return Object.entries(key)
    .map(([name, value]) => `${name}=${Object.values(value).join('')}`)
    .join(', ');
}

/** What a record says that a resource held; undefined where it says nothing that is understood here. */
export function parseHeld(fact: unknown): Held | undefined {
  const { success, data } = z.safeParse(held, fact);
  return success ? data : undefined;
}

/** What was found when something restored was compared with what was recorded. */
export interface Comparison {
  /** What is certain to differ from what was backed up. */
  readonly damage: readonly Problem[];
  /** Why nothing certain can be said. */
  readonly doubt: readonly Problem[];
  /** What differs and may: it was changed after the recovery point was made. */
  readonly noted: readonly Problem[];
}
