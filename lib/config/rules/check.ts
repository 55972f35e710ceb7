// Text in, configuration or faults out: the shape first, then the rules, every fault in one pass. Touches no file.
import type { z } from 'zod';

import { remoteFindings, stackFindings } from './aws.ts';
import type { Config } from '../config.ts';
import { findingsOf, showPath, valueAt } from './faults.ts';
import type { ConfigFault, ConfigFinding } from './faults.ts';
import { nearest } from '../nearest.ts';
import { configJsonSchema, keysOf, kindsOf, optionAt } from '../schema/options.ts';
import type { OptionNode } from '../schema/options.ts';
import type { Bases } from '../places.ts';
import { resolveConfig } from '../load/resolve.ts';
import { configSchema } from '../schema/configuration.ts';
import type { ConfigShape } from '../schema/configuration.ts';
import {
  excludedInclusions,
  globFindings,
  mergedRetention,
  objectiveFindings,
  otherDatabaseFindings,
  retentionFindings,
  zoneFindings,
} from './sources.ts';
import { notifyFindings } from './notify.ts';
import { recoveryPointFindings } from './recovery-points.ts';
import { placeOfStore } from '../load/store-place.ts';
import { keyPlaceFindings, placeFindings, storeFindings } from './store.ts';
import { trustFindings, valueFindings } from './system.ts';
import { variableFindings } from './variables.ts';
import { parseText } from '../load/yaml.ts';
import type { ParsedText, Path } from '../load/yaml.ts';

/** A store that replaces the one of the file. */
export interface StoreOverride {
  readonly store: string;
  readonly from: 'flag' | 'variable';
  /** What a relative path is relative to. */
  readonly folder: string;
}

/** What a text is checked against. */
export interface CheckContext {
  /** Absolute path of the file, and how messages call it. */
  readonly file: string;
  readonly shownAs: string;
  readonly folder: string;
  readonly home: string;
  /** Where the year begins in which the intervals of schedules are looked at. */
  readonly now: Date;
  readonly override: StoreOverride | undefined;
}

/** Either a configuration, or why there is none. */
export type Checked =
  | { readonly config: Config; readonly faults: readonly [] }
  | { readonly config: undefined; readonly faults: readonly ConfigFault[] };

const ORIGIN = { flag: '--store', variable: 'HOLDFAST_STORE' } as const;

/** A value that the schema accepts, for what a rule has to look past. */
function placeholder(node: OptionNode | undefined): unknown {
  return node?.const ?? node?.examples?.[0];
}

/**
 * `data` without what the schema refused: unknown keys and wrong values go, required ones get a placeholder. So the rules can look
 * at the rest, and people see every fault at once.
 */
function withoutRefused(
  data: unknown,
  refused: readonly ConfigFinding[],
  schema: OptionNode,
): unknown {
  const copy: unknown = structuredClone(data);
  for (const { path } of refused) {
    const parent = valueAt(copy, path.slice(0, -1));
    const last = path.at(-1);
    if (typeof parent !== 'object' || parent === null || last === undefined) continue;
    const replacement = placeholder(optionAt(schema, path, data));
    const holder = parent as Record<string | number, unknown>;
    // A list keeps its length, so that positions stay what they are in the file.
    if (replacement !== undefined) holder[last] = replacement;
    else if (Array.isArray(parent)) parent.splice(Number(last), 1);
    else Reflect.deleteProperty(holder, last);
  }
  return copy;
}

function isAt(path: Path, outer: Path): boolean {
  return outer.every((segment, depth) => path[depth] === segment);
}

function ruleFindings(
  shape: ConfigShape,
  store: string,
  context: Bases & { now: Date },
): ConfigFinding[] {
  const sources = Object.entries(shape.sources).map(([name, source]) => ({
    at: ['sources', name],
    source,
  }));
  return [
    ...trustFindings(shape),
    ...stackFindings(shape),
    ...notifyFindings(shape),
    ...recoveryPointFindings(shape, context.now),
    ...placeFindings(shape, store, context),
    ...keyPlaceFindings(shape, store, context),
    ...zoneFindings(shape.retention.timeZone, ['retention', 'timeZone']),
    ...retentionFindings(shape.retention, ['retention']),
    ...otherDatabaseFindings(shape),
    ...sources.flatMap((placed) => [
      ...globFindings(placed),
      ...excludedInclusions(placed),
      ...objectiveFindings(placed, context.now),
      ...remoteFindings(placed, shape, context.now),
      ...ownRetentionFindings(placed.source.retention, shape, placed.at),
    ]),
  ];
}

function ownRetentionFindings(
  own: ConfigShape['sources'][string]['retention'],
  shape: ConfigShape,
  at: Path,
): ConfigFinding[] {
  if (own === undefined) return [];
  const path = [...at, 'retention'];
  const zone = own.timeZone === undefined ? [] : zoneFindings(own.timeZone, [...path, 'timeZone']);
  return [...zone, ...retentionFindings(mergedRetention(shape.retention, own), path)];
}

function locate(finding: ConfigFinding, parsed: ParsedText, origin: string): ConfigFault {
  const { line, column } = parsed.positionOf(finding.path, finding.atKey);
  return {
    origin,
    line,
    column,
    path: showPath(finding.path),
    message: finding.message,
    ...(finding.allowed === undefined ? {} : { allowed: finding.allowed }),
  };
}

/** The first finding of each place: a secret is reported as one, not also as a value of the wrong form. */
function distinct(findings: readonly ConfigFinding[]): ConfigFinding[] {
  const seen = new Map(
    findings.toReversed().map((finding) => [JSON.stringify(finding.path), finding]),
  );
  return findings.filter((finding) => seen.get(JSON.stringify(finding.path)) === finding);
}

function storeOf(shape: ConfigShape | undefined, { override, folder, home }: CheckContext): string {
  if (override !== undefined)
    return placeOfStore(override.store, { folder: override.folder, home });
  return placeOfStore(shape?.store ?? '.', { folder, home });
}

function overrideFaults(override: StoreOverride | undefined): ConfigFault[] {
  if (override === undefined) return [];
  return storeFindings(override.store).map(({ message, allowed }) => ({
    origin: ORIGIN[override.from],
    path: '',
    message,
    ...(allowed === undefined ? {} : { allowed }),
  }));
}

type Issue = z.core.$ZodIssue;

function issuesOf(data: unknown): readonly Issue[] {
  return configSchema.safeParse(data).error?.issues ?? [];
}

function isAboutKind(issue: Issue): boolean {
  return issue.code === 'invalid_union' && issue.path.at(-1) === 'kind';
}

/** `data` with a kind for each source that has none, or one that there is not. */
function withKinds(data: unknown, kindless: readonly Issue[], schema: OptionNode): unknown {
  if (kindless.length === 0) return data;
  const copy: unknown = structuredClone(data);
  for (const { path } of kindless) {
    const at = path.filter((segment) => typeof segment !== 'symbol').slice(0, -1);
    const source = valueAt(copy, at) as Record<string, unknown>;
    const all = optionAt(schema, at, {});
    source['kind'] = meantKind(source, all);
  }
  return copy;
}

/** The kind whose name is nearest to what is written, or that has most of the keys. */
function meantKind(
  source: Readonly<Record<string, unknown>>,
  all: OptionNode | undefined,
): unknown {
  const kinds = kindsOf(all);
  const written = source['kind'];
  const near = typeof written === 'string' ? nearest(written, kinds) : undefined;
  if (near !== undefined) return near;
  const keysTaken = kinds.map(
    (_, index) => keysOf(all?.oneOf?.[index]).filter((key) => key in source).length,
  );
  return kinds[keysTaken.indexOf(Math.max(...keysTaken))];
}

/**
 * `data` as the schema sees it: complete when nothing was refused, else `shape` is what is left of it, for the rules, unless too
 * much is wrong.
 */
function shapeOf(data: unknown): {
  complete: ConfigShape | undefined;
  shape: ConfigShape | undefined;
  refused: ConfigFinding[];
} {
  const parsed = configSchema.safeParse(data);
  if (parsed.success) return { complete: parsed.data, shape: parsed.data, refused: [] };
  const schema = configJsonSchema();
  const kindless = parsed.error.issues.filter(isAboutKind);
  // Without its kind nothing of a source is looked at: with the one that was most likely meant, the rest is.
  const meant = withKinds(data, kindless, schema);
  const others = kindless.length === 0 ? parsed.error.issues : issuesOf(meant);
  const refused = [...findingsOf(kindless, data, schema), ...findingsOf(others, meant, schema)];
  const shape = configSchema.safeParse(withoutRefused(meant, refused, schema)).data;
  return { complete: undefined, shape, refused };
}

/** The configuration that `text` holds, or everything that is wrong with it, in the order of the file. Never throws for its content. */
export function checkText(text: string, context: CheckContext): Checked {
  const parsed = parseText(text);
  const origin = context.shownAs;
  if (parsed.faults.length > 0) {
    const faults = parsed.faults.map(({ position, message }) => ({
      origin,
      ...position,
      path: '',
      message,
    }));
    return { config: undefined, faults };
  }
  const { complete, shape, refused } = shapeOf(parsed.data);
  const store = storeOf(shape, context);
  const ofStore = context.override === undefined && shape ? storeFindings(shape.store) : [];
  const byRules = shape ? [...ofStore, ...ruleFindings(shape, store, context)] : [];
  const reported = byRules.filter(({ path, also = [] }) =>
    [path, ...also].every((needed) => !refused.some((finding) => isAt(needed, finding.path))),
  );
  const byValues = [...valueFindings(parsed.data), ...variableFindings(parsed.data)];
  const findings = distinct([...byValues, ...refused, ...reported]);
  const faults = findings
    .map((finding) => locate(finding, parsed, origin))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  const all = [...overrideFaults(context.override), ...faults];
  if (all.length > 0 || complete === undefined) return { config: undefined, faults: all };
  const { file, folder, home, override } = context;
  const config = resolveConfig(complete, {
    file,
    folder,
    home,
    store,
    storeFrom: override?.from ?? 'file',
  });
  return { config, faults: [] };
}
