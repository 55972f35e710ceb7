// Adds scripts to the text of a package.json without touching a character of what stands in it. Pure.
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';

import { HoldfastError } from '../../errors.ts';

/** What `holdfast init --scripts` adds. */
export const BACKUP_SCRIPTS: Readonly<Record<string, string>> = {
  backup: 'holdfast backup',
  'backup:list': 'holdfast list',
  'backup:status': 'holdfast status',
  'backup:verify': 'holdfast verify',
  'backup:restore-test': 'holdfast restore-test',
  'backup:doctor': 'holdfast doctor',
};

/** The new text, the scripts that are new in it, and those whose name was taken, which stay as they are. */
export interface WithScripts {
  readonly text: string;
  readonly added: readonly string[];
  readonly kept: readonly string[];
}

/** Where an object stands in a text: its braces, and the end of what comes before the closing one. */
interface Span {
  readonly open: number;
  readonly close: number;
  readonly last: number;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;

/**
 * `text` with those of `scripts` whose names are free, in the indentation that it has.
 *
 * `CONFIG_INVALID` when it is no JSON object, or its `scripts` are none.
 */
export function withScripts(text: string, scripts: Readonly<Record<string, string>>): WithScripts {
  const before = parse(text);
  const present = before['scripts'] ?? {};
  if (!isObject(present)) throw unusable('its "scripts" are no object');
  const names = Object.keys(scripts);
  const added = names.filter((name) => !Object.hasOwn(present, name));
  const kept = names.filter((name) => Object.hasOwn(present, name));
  if (added.length === 0) return { text, added, kept };
  const members = added.map(
    (name) => `${JSON.stringify(name)}: ${JSON.stringify(scripts[name] ?? '')}`,
  );
  const changed = insertScripts(text, members);
  const wanted = Object.fromEntries(added.map((name) => [name, scripts[name]]));
  assert(
    isDeepStrictEqual(parse(changed), { ...before, scripts: { ...present, ...wanted } }),
    'editing package.json changed more than its scripts',
  );
  return { text: changed, added, kept };
}

function insertScripts(text: string, members: readonly string[]): string {
  const { root, scripts } = spansOf(text);
  const layout = layoutOf(text);
  if (scripts !== undefined) return insert(text, scripts, members, { ...layout, depth: 1 });
  const { eol, unit } = layout;
  const oneLine = !text.slice(root.open, root.close).includes('\n') && root.last > root.open + 1;
  const body = oneLine
    ? ` ${members.join(', ')} `
    : `${members.map((member) => `${eol}${unit}${unit}${member}`).join(',')}${eol}${unit}`;
  return insert(text, root, [`"scripts": {${body}}`], { ...layout, depth: 0 });
}

/** `text` with more members at the end of the object at `span`. */
function insert(
  text: string,
  { open, close, last }: Span,
  members: readonly string[],
  { eol, unit, depth }: { eol: string; unit: string; depth: number },
): string {
  const inner = text.slice(open + 1, close);
  const isEmpty = inner.trim() === '';
  const outer = unit.repeat(depth);
  const indent = /\n([ \t]*)"/.exec(inner)?.[1] ?? outer + unit;
  const joint = isEmpty || inner.includes('\n') ? eol + indent : ' ';
  const added = joint + members.join(`,${joint}`);
  if (isEmpty) return `${text.slice(0, open + 1)}${added}${eol}${outer}${text.slice(close)}`;
  return `${text.slice(0, last)},${added}${text.slice(last)}`;
}

function layoutOf(text: string): { eol: string; unit: string } {
  return {
    eol: text.includes('\r\n') ? '\r\n' : '\n',
    unit: /^\s*\{\s*?\n([ \t]+)"/.exec(text)?.[1] ?? '  ',
  };
}

/** The places of the root object and of its last member named `scripts`. The text must be JSON. */
function spansOf(text: string): { root: Span; scripts: Span | undefined } {
  const open: { at: number; name: string }[] = [];
  let root: Span | undefined;
  let scripts: Span | undefined;
  let [string, name, end] = ['', '', 0];
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token.startsWith('"')) string = token;
    else if (token === ':') name = string;
    else if (token === '{' || token === '[') open.push({ at: index, name });
    else if (token === '}' || token === ']') {
      const closed = open.pop();
      const span = { open: closed?.at ?? 0, close: index, last: end };
      if (open.length === 0) root = span;
      if (open.length === 1 && JSON.parse(closed?.name ?? '') === 'scripts') scripts = span;
    }
    end = index + token.length;
  }
  assert(root !== undefined, 'JSON without an object');
  return { root, scripts };
}

function parse(text: string): Record<string, unknown> {
  let data: unknown;
  try {
    // npm itself looks past a byte order mark.
    data = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    if (cause instanceof SyntaxError) throw unusable('it is not JSON', cause);
    throw cause;
  }
  if (isObject(data)) return data;
  throw unusable('it is no object');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unusable(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('CONFIG_INVALID', `package.json cannot take scripts: ${why}`, {
    hint: 'Correct it, or run `holdfast init` without --scripts.',
    cause,
  });
}
