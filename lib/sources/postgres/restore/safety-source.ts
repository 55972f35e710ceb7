// What a restore would replace, as a source: all of the database that it goes to.
import type { Source, SourceKind } from '../../source.ts';
import { readPostgres, type PostgresOptions } from '../dump/read.ts';
import { EVERYTHING } from '../dump/selection.ts';
import type { Machine } from '../server/tools.ts';

export interface SafetyInput {
  readonly name: string;
  /** A secret. */
  readonly target: string;
  readonly targetFrom: string;
  readonly kind: SourceKind;
}

/** A source that reads everything in the target of a restore. */
export function safetySource(
  { name, target, targetFrom, kind }: SafetyInput,
  machine: Machine,
): Source {
  const options: PostgresOptions = {
    name,
    url: () => Promise.resolve(target),
    urlFrom: targetFrom,
    binaries: undefined,
    lockWaitTimeoutSeconds: 60,
    timestamps: [],
    maxDatabaseBytes: undefined,
    tolerate: ['globals'],
    allowEmpty: true,
    compression: 'default',
    ...{ format: 'plain', jobs: undefined },
    ...EVERYTHING,
  };
  return { name, kind, read: (input) => readPostgres(options, machine, input) };
}
