// The kinds of sources of functions that look at what is stored, and at no backup's content. What they need is all that comes along.
import type { SourceKind } from '../sources/source.ts';

export type Kinds = ReadonlyMap<string, SourceKind>;

export const NO_KINDS: Kinds = new Map();
