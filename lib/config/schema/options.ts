// The schema as a tree of options that can be walked by path: what is allowed at a place, and which keys it has.
import * as z from 'zod/mini';

import { configSchema } from './configuration.ts';
import type { Path } from '../load/yaml.ts';

/** One place of the configuration, in the words of JSON Schema. */
export interface OptionNode {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, OptionNode>>;
  readonly required?: readonly string[];
  readonly items?: OptionNode;
  readonly propertyNames?: OptionNode;
  readonly additionalProperties?: OptionNode | boolean;
  /** A mapping whose `kind` decides which of these it is. */
  readonly oneOf?: readonly OptionNode[];
}

/** The JSON Schema of holdfast.yaml, as it is written: before defaults are filled in. Draft 7, which every editor knows. */
export function configJsonSchema(): OptionNode {
  return z.toJSONSchema(configSchema, { io: 'input', target: 'draft-07' }) as OptionNode;
}

/** The kinds of a mapping that has them, in the order of the schema. */
export function kindsOf(node: OptionNode | undefined): readonly string[] {
  return (node?.oneOf ?? []).map((variant) => String(variant.properties?.['kind']?.const));
}

/** The variant of `node` that `value` is by its kind; `node` itself when it has none. */
function variantOf(node: OptionNode, value: unknown): OptionNode {
  const kind = valueOf(value, 'kind');
  const index = kindsOf(node).findIndex((one) => one === kind);
  return node.oneOf?.[index] ?? node;
}

function valueOf(value: unknown, segment: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment))
    return undefined;
  return (value as Record<string | number, unknown>)[segment];
}

function child(node: OptionNode, segment: string | number): OptionNode | undefined {
  if (typeof segment === 'number') return node.items;
  if (node.oneOf !== undefined) return segment === 'kind' ? { enum: kindsOf(node) } : undefined;
  if (node.properties !== undefined && Object.hasOwn(node.properties, segment))
    return node.properties[segment];
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
}

/** What stands at `path` of `data` in the tree below `root`, or undefined when nothing may. What `data` holds decides between kinds. */
export function optionAt(root: OptionNode, path: Path, data: unknown): OptionNode | undefined {
  let node: OptionNode | undefined = variantOf(root, data);
  let value = data;
  for (const segment of path) {
    value = valueOf(value, segment);
    node = node && child(node, segment);
    node = node && variantOf(node, value);
  }
  return node;
}

/** The keys that a mapping may have, in the order of the schema. */
export function keysOf(node: OptionNode | undefined): readonly string[] {
  return Object.keys(node?.properties ?? {});
}

function allowedList(node: OptionNode): string {
  const each = node.items === undefined ? 'anything' : allowedAt(node.items);
  const limits = [
    ...(node.minItems === undefined ? [] : [`at least ${node.minItems}`]),
    ...(node.maxItems === undefined ? [] : [`at most ${node.maxItems}`]),
  ];
  return `a list${limits.length === 0 ? '' : ` of ${limits.join(' and ')}`}, each ${each}`;
}

function allowedMapping(node: OptionNode): string {
  const keys = keysOf(node);
  if (keys.length > 0) return `a mapping with ${keys.join(', ')}`;
  return node.propertyNames === undefined
    ? 'a mapping'
    : `a mapping of at least one name (${allowedAt(node.propertyNames)})`;
}

/** What is allowed at `node`, in words that complete "allowed: …". */
export function allowedAt(node: OptionNode): string {
  if (node.oneOf !== undefined) return `a mapping whose kind is one of ${kindsOf(node).join(', ')}`;
  if (node.type === 'object') return allowedMapping(node);
  if (node.type === 'array') return allowedList(node);
  if (node.title !== undefined) return node.title;
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return node.enum.map(String).join(', ');
  if (node.type === 'boolean') return 'true or false';
  if (node.type === 'integer')
    return `a whole number from ${node.minimum ?? 0} to ${node.maximum ?? 'any'}`;
  return node.type ?? 'anything';
}
