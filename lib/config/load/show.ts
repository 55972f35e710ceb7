// A configuration as plain data, for `config show` and JSON output. It holds references, never what they refer to.
import type { Config } from '../config.ts';
import { isReference, showReference } from '../places.ts';

/** Plain data: what JSON can hold. */
export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

function plain(value: unknown): Json | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  if (Array.isArray(value)) return value.map((each) => plain(each) ?? null);
  if (typeof value !== 'object' || value === null) return value === null ? null : undefined;
  if (isReference(value)) return showReference(value);
  const entries = Object.entries(value).flatMap(([key, each]): [string, Json][] => {
    const shown = plain(each);
    return shown === undefined ? [] : [[key, shown]];
  });
  return Object.fromEntries(entries);
}

/** All of `config` with the defaults filled in; what is not configured is absent. Times in `…Ms`, sizes in `…Bytes`. */
export function describeConfig(config: Config): Json {
  return plain(config) ?? {};
}
