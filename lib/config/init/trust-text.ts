// Adds a trusted key to the text of a holdfast.yaml without touching a character of what stands in it. Pure.
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { isMap, isSeq, parseDocument } from 'yaml';

import { recordOf } from './looked-at.ts';
import { quoted } from './yaml-text.ts';

/** An entry of `trust`. */
export interface TrustedEntry {
  readonly name: string;
  readonly publicKey: string;
  readonly prefixes: readonly string[];
}

/** `text`, which must be a configuration without faults, with `entry` at the end of `trust`. */
export function withTrusted(text: string, entry: TrustedEntry): string {
  const document = parseDocument(text);
  const before = recordOf(document.toJS());
  const trust = isMap(document.contents) ? document.contents.get('trust', true) : undefined;
  const changed =
    isSeq(trust) && trust.flow !== true && trust.items.length > 0
      ? afterLast(text, trust.range?.[1] ?? 0, entry)
      : rewritten(text, entry);
  const entries = Array.isArray(before['trust']) ? (before['trust'] as unknown[]) : [];
  assert(
    isDeepStrictEqual(parseDocument(changed).toJS(), { ...before, trust: [...entries, entry] }),
    'editing holdfast.yaml changed more than its trust',
  );
  return changed;
}

/** What lies behind the last entry of a list, comments of its line included, stays behind the new one. */
function afterLast(text: string, end: number, { name, publicKey, prefixes }: TrustedEntry): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const last = text.slice(0, end).trimEnd().length;
  const lineEnd = text.indexOf('\n', last) === -1 ? text.length : text.indexOf('\n', last);
  const at = text[lineEnd - 1] === '\r' ? lineEnd - 1 : lineEnd;
  const indent = /^([ \t]*)- /m.exec(text.slice(text.search(/^["']?trust["']?\s*:/m)))?.[1] ?? '';
  const lines = [
    `${indent}- name: ${quoted(name)}`,
    `${indent}  publicKey: ${quoted(publicKey)}`,
    `${indent}  prefixes: [${prefixes.map(quoted).join(', ')}]`,
  ];
  return `${text.slice(0, at)}${lines.map((line) => eol + line).join('')}${text.slice(at)}`;
}

/** A list on one line, JSON, or no list yet: the parser writes the text again, and keeps its comments. */
function rewritten(text: string, entry: TrustedEntry): string {
  const document = parseDocument(text);
  const trust = document.get('trust', true);
  if (isSeq(trust)) trust.add(document.createNode(entry));
  else document.set('trust', document.createNode([entry]));
  return document.toString({ lineWidth: 0 });
}
