// Reads YAML or JSON text into plain data and remembers where each value stands. It knows nothing of what the data means.
import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
} from 'yaml';
import type { Document, Pair } from 'yaml';

/** The way to a value: keys of mappings and indexes of lists, from the root. */
export type Path = readonly (string | number)[];

/** Where something begins in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Why a text is no YAML, and where. */
export interface SyntaxFault {
  readonly position: Position;
  readonly message: string;
}

/** A text that was read. When `faults` is not empty, `data` is undefined. */
export interface ParsedText {
  readonly data: unknown;
  readonly faults: readonly SyntaxFault[];
  /** Where the value at `path` begins, or the nearest of what contains it; its key with `atKey` and for mappings and lists. */
  readonly positionOf: (path: Path, atKey?: boolean) => Position;
}

const MAX_ALIASES = 100;
const MAX_FAULTS = 20;

/**
 * Reads `source`, which may be YAML 1.2 or JSON. Duplicate keys, several documents, unknown tags, unresolved aliases and aliases
 * that multiply into a bomb are faults. No message quotes the text, because it may hold a secret by mistake.
 */
export function parseText(source: string): ParsedText {
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const document = parseDocument(source, {
    lineCounter: lines,
    logLevel: 'error',
    prettyErrors: false,
    resolveKnownTags: false,
    stringKeys: true,
  });
  const faults: SyntaxFault[] = [...document.errors, ...document.warnings].map((error) => ({
    position: at(error.pos[0]),
    message: syntaxMessage(error.code, error.message),
  }));
  faults.push(...mergeKeys(document).map((offset) => ({ position: at(offset), message: MERGED })));
  const positionOf = (path: Path, atKey = false): Position => at(offsetOf(document, path, atKey));
  if (faults.length > 0)
    return { data: undefined, faults: faults.slice(0, MAX_FAULTS), positionOf };
  try {
    return { data: document.toJS({ maxAliasCount: MAX_ALIASES }), faults, positionOf };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    const message = 'an alias names no anchor, or aliases multiply into too many values';
    return { data: undefined, faults: [{ position: at(0), message }], positionOf };
  }
}

const MERGED =
  '"<<" merges nothing: merge keys are of YAML 1.1; write out the options here, or let an alias stand for a whole value, as in `content: *site`';

/** Where merge keys stand. */
function mergeKeys(document: Document): number[] {
  const found: number[] = [];
  visit(document, {
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value === '<<') found.push(startOf(key) ?? 0);
    },
  });
  return found;
}

function syntaxMessage(code: string, message: string): string {
  if (code === 'RESOURCE_EXHAUSTION') return 'the text is nested too deeply';
  if (code === 'DUPLICATE_KEY') return 'the key stands here for the second time';
  if (code === 'MULTIPLE_DOCS') return 'the text holds more than one document';
  const plain = message.split(/[:;]? ["`']/)[0] ?? '';
  return `not valid YAML: ${plain.charAt(0).toLowerCase()}${plain.slice(1)}`;
}

function offsetOf(document: Document, path: Path, atKey: boolean): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, segment] of path.entries()) {
    const { key, value } = childOf(isAlias(node) ? node.resolve(document) : node, segment);
    const wantsKey = isCollection(value) || (atKey && depth === path.length - 1);
    const own = (wantsKey ? startOf(key) : undefined) ?? startOf(value) ?? startOf(key);
    if (own === undefined) return offset;
    offset = own;
    node = value;
  }
  return offset;
}

function childOf(node: unknown, segment: string | number): { key?: unknown; value?: unknown } {
  if (isSeq(node) && typeof segment === 'number') return { value: node.items[segment] };
  return (isMap(node) ? pairOf(node.items, segment) : undefined) ?? {};
}

function pairOf(items: readonly Pair[], segment: string | number): Pair | undefined {
  return items.find(({ key }) => isScalar(key) && key.value === segment);
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
