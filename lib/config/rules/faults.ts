// What is wrong with a configuration: as data, from what the schema reports, and as the lines that people read.
import type { z } from 'zod';

import { nearest } from '../nearest.ts';
import { allowedAt, keysOf, kindsOf, optionAt } from '../schema/options.ts';
import type { OptionNode } from '../schema/options.ts';
import { secretIn } from './secrets.ts';
import type { Path } from '../load/yaml.ts';

/** One fault of a configuration. */
export interface ConfigFault {
  /** The file, or the variable or flag that the value came from: `HOLDFAST_STORE`, `--store`. */
  readonly origin: string;
  /** Both count from 1; absent when the value came from no file. */
  readonly line?: number;
  readonly column?: number;
  /** The option, such as `sources.site.rpo`; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong, with the value got. Never holds a secret or a control character. */
  readonly message: string;
  /** What would have been right. */
  readonly allowed?: string;
}

/** A fault before its place in the file is known. */
export interface ConfigFinding {
  readonly path: Path;
  /** Other options that the fault depends on: when one of them is itself faulty, this one is not reported. */
  readonly also?: readonly Path[];
  /** True when the key, not its value, is at fault. */
  readonly atKey?: boolean;
  readonly message: string;
  readonly allowed?: string;
}

const PLAIN_KEY = /^[A-Za-z_][\w-]*$/;
const MAX_SHOWN = 80;
// C0, DEL, C1 and what turns the direction of text: a value must not be able to redraw the terminal that shows it.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/gu;

/** `text` in quotes, cut when long, without a character that could act on a terminal. */
export function quote(text: string): string {
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  const escaped = cut.replace(UNSAFE, (unsafe) => {
    const code = unsafe.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
  return `"${escaped}"`;
}

/** `sources.site.exclude[2]` */
export function showPath(path: Path): string {
  return path
    .map((segment, depth) => {
      if (typeof segment === 'number') return `[${segment}]`;
      const key = PLAIN_KEY.test(segment) ? segment : quote(segment);
      return depth === 0 ? key : `.${key}`;
    })
    .join('');
}

/** A value in words that complete "got …"; hidden when it may be a secret. */
export function showValue(value: unknown, path: Path): string {
  if (typeof value === 'string') {
    // What stands where a reference to a key belongs is most likely the key.
    if (secretIn(value) !== undefined || path.at(-1) === 'key') return 'a value that is not shown';
    return quote(value);
  }
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null)
    return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
  return value === null ? 'nothing' : JSON.stringify(value);
}

/** The value at `path` of parsed data, or undefined. */
export function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment))
      return undefined;
    value = (value as Record<string | number, unknown>)[segment];
  }
  return value;
}

/** An option of another kind of source, in words that say which. */
function foreignKey(
  path: Path,
  key: string,
  schema: OptionNode,
  data: unknown,
): ConfigFinding | undefined {
  const kind = valueAt(data, [...path, 'kind']);
  const all = optionAt(schema, path.slice(0, -1), data)?.additionalProperties;
  if (typeof kind !== 'string' || typeof all !== 'object') return undefined;
  const owners = kindsOf(all).filter((_, index) => keysOf(all.oneOf?.[index]).includes(key));
  if (owners.length === 0) return undefined;
  const at = { path: [...path, key], atKey: true };
  if (kind === 'files' && key === 'onDeployment') {
    const name = showPath([path.at(-1) ?? '']);
    return {
      ...at,
      message: 'a source of kind files cannot be read by a function: it is where the files are',
      allowed: `\`holdfast backup ${name}\` as a step of the pipeline, or a source of kind bucket or github`,
    };
  }
  if (kind === 'postgres' && key === 'afterRestore') {
    return {
      ...at,
      message: 'a restored database has no folder in which a command could run',
      allowed: '"checks": questions in SQL that are asked of the restored database',
    };
  }
  const what = path[0] === 'sources' ? 'source' : 'sink';
  const message = `unknown key for a ${what} of kind ${kind}; it belongs to ${owners.join(', ')}`;
  return { ...at, message, allowed: keysOf(optionAt(schema, path, data)).join(', ') };
}

function unknownKey(path: Path, key: string, node: OptionNode | undefined): ConfigFinding {
  const known = keysOf(node);
  const meant = nearest(key, known);
  const guess = meant === undefined ? '' : `; did you mean ${quote(meant)}?`;
  return {
    path: [...path, key],
    atKey: true,
    message: `unknown key${guess}`,
    allowed: known.join(', '),
  };
}

function wrongValue(path: Path, data: unknown, node: OptionNode | undefined): ConfigFinding {
  const value = valueAt(data, path);
  if (node === undefined) return { path, message: `got ${showValue(value, path)}` };
  const allowed = allowedAt(node);
  if (value === undefined) return { path, message: 'is missing', allowed };
  const meant =
    typeof value === 'string' ? nearest(value, (node.enum ?? []).map(String)) : undefined;
  const guess = meant === undefined ? '' : `; did you mean ${quote(meant)}?`;
  return { path, message: `got ${showValue(value, path)}${guess}`, allowed };
}

/** What the schema reports, in our words: each with the value got and what the schema allows at that place. */
export function findingsOf(
  issues: readonly z.core.$ZodIssue[],
  data: unknown,
  schema: OptionNode,
): ConfigFinding[] {
  return issues.flatMap((issue): ConfigFinding[] => {
    const path = issue.path.filter((segment) => typeof segment !== 'symbol');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map(
        (key) =>
          foreignKey(path, key, schema, data) ??
          unknownKey(path, key, optionAt(schema, path, data)),
      );
    if (issue.code === 'invalid_key') {
      const names = optionAt(schema, path.slice(0, -1), data)?.propertyNames;
      const allowed = names === undefined ? 'another name' : allowedAt(names);
      return [
        {
          path,
          atKey: true,
          message: `the name ${quote(String(path.at(-1)))} cannot be used`,
          allowed,
        },
      ];
    }
    return [wrongValue(path, data, optionAt(schema, path, data))];
  });
}

/** One line for people: `holdfast.yaml:12:10: sources.site.rpo: got "24x"; allowed: a duration such as 90m, 24h or 7d`. */
export function formatFault(fault: ConfigFault): string {
  const place = fault.line === undefined ? '' : `:${fault.line}:${fault.column ?? 1}`;
  const path = fault.path === '' ? '' : `${fault.path}: `;
  const allowed = fault.allowed === undefined ? '' : `; allowed: ${fault.allowed}`;
  return `${fault.origin}${place}: ${path}${fault.message}${allowed}`;
}
