// The text that pg_dump writes, taken apart while it passes: one object after the other, each with its range and digest, the rows
// counted. It knows enough of SQL to tell pg_dump's own comments from such that stand in a function or in data.
import { createHash, type Hash } from 'node:crypto';
import { endOf, parseHeader, withOwner, type Header } from './header.ts';
import { decoderOf, encodingIn, type Decode } from './encodings.ts';
import { dollarTag, endOfLine, isWord } from './sql-words.ts';

/** A stretch of a dump: what one of pg_dump's comments announces, the beginning, or the end. Objects tile the text. */
export interface DumpObject {
  /** As pg_dump names it, such as `users`, `add(integer, integer)` or `users own_rows`; empty for beginning and end. */
  readonly name: string;
  /** In pg_dump's words: `TABLE`, `TABLE DATA`, `POLICY`, `ACL`, …; `BEGIN` and `END` for what stands around the objects. */
  readonly type: string;
  /** `-` for what is in no schema. */
  readonly schema: string;
  readonly owner: string;
  readonly offset: number;
  readonly bytes: number;
  readonly sha256: string;
  /** For the data of a table. */
  readonly rows: number | undefined;
}

/** What a whole dump was found to hold. */
export interface DumpSummary {
  readonly objects: readonly DumpObject[];
  readonly bytes: number;
  /** Whether the last words are those that pg_dump says when it has said everything. */
  readonly complete: boolean;
  /** What pg_dump never writes outside of strings and data: commands to psql, COPY to or from a program. */
  readonly foreign: readonly string[];
}

export interface ScanOptions {
  /** Given the bytes of each definition (of everything but rows and large objects) when it has passed. */
  readonly onDefinition?: (object: DumpObject, text: Buffer) => void;
  /** Given what stands around the rows of a table when they have passed: the statement that announces them, and what follows them. */
  readonly onRows?: (object: DumpObject, frame: Buffer) => void;
  /**
   * The owner that the header of an object is to have; undefined for its own. Digests are those of the text with that owner: nothing
   * reads a header when a dump is loaded, and of what an extension or the system owns, it names the user who made the server.
   */
  readonly ownerOf?: (header: Header) => string | undefined;
}

const COPY_LINE = /^COPY (?:"(?:[^"]|"")*"|[^";])* FROM stdin;\n/;
const NON_STANDARD = /^SET standard_conforming_strings = off;$/m;
const META = /^\\(?:restrict|unrestrict) [A-Za-z0-9]+$/;
const COPY_END = Buffer.from('\n\\.\n');
/** More than the columns of any table take. */
const MAX_COPY_LINE_BYTES = 4 << 20;
const MAX_DEFINITION_BYTES = 4 << 20;
const MAX_FOREIGN = 20;

const [NEWLINE, QUOTE, DOUBLE, DOLLAR, DASH, SLASH, STAR, BACKSLASH, SEMICOLON] = [
  10, 39, 34, 36, 45, 47, 42, 92, 59,
] as const;

interface Current {
  name: string;
  type: string;
  schema: string;
  owner: string;
  offset: number;
  rows: number | undefined;
  hash: Hash;
  kept: Buffer[] | undefined;
  keptBytes: number;
  /** Where in the dump the rows end; what stands behind them is kept. */
  rowsEnd: number | undefined;
}

/** What the text at hand stands in. */
type State =
  | { readonly in: 'sql' }
  | { readonly in: 'string'; readonly escapes: boolean }
  | { readonly in: 'identifier' }
  | { readonly in: 'dollar'; readonly tag: Buffer }
  | { readonly in: 'comment'; depth: number }
  | { readonly in: 'copy' };

const SQL: State = { in: 'sql' };

/** Takes the text of a dump in pieces of any size; `end` says what it was. */
export class DumpScanner {
  private readonly options: ScanOptions;
  private readonly objects: DumpObject[] = [];
  private readonly foreign: string[] = [];
  private current: Current = begin({ name: '', type: 'BEGIN', schema: '-', owner: '' }, 0, true);
  private state: State = SQL;
  /** Bytes that wait for those behind them. */
  private rest: Buffer = Buffer.alloc(0);
  /** Where `rest` begins in the dump. */
  private offset = 0;
  /** The two bytes before `rest`. */
  private before: Buffer = Buffer.from('\n\n');
  private statementStart = true;
  private lineStart = true;
  private complete = false;
  private decode: Decode = decoderOf('UTF8');
  /** Whether a backslash escapes in plain strings, as it does where the server has `standard_conforming_strings` off. */
  private escapes = false;

  constructor(options: ScanOptions = {}) {
    this.options = options;
  }

  push(chunk: Buffer): void {
    const text = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    this.scan(text);
  }

  /** To be called after the last piece. */
  end(): DumpSummary {
    if (this.rest.length > 0) this.take(this.rest, 0, this.rest.length);
    if (this.rest.length > 0 || this.state.in !== 'sql') this.complete = false;
    this.finishObject(this.offset + this.rest.length);
    return {
      objects: this.objects,
      bytes: this.offset + this.rest.length,
      complete: this.complete,
      foreign: this.foreign,
    };
  }

  /** Goes through `text` as far as it can be understood without what follows, and keeps the rest. */
  private scan(text: Buffer): void {
    let at = 0;
    let done = 0;
    for (;;) {
      const next = this.step(text, at);
      if (next < 0) break;
      // A header begins an object: what stands before it belongs to the one before.
      if (this.boundary !== undefined) {
        this.take(text, done, at);
        done = at;
        const owner = this.options.ownerOf?.(this.boundary);
        this.startObject(this.boundary, this.offset + at);
        if (owner !== undefined && owner !== this.boundary.owner) {
          this.takeHeader(text.subarray(at, next), owner);
          done = next;
        }
        this.boundary = undefined;
      }
      at = next;
      if (at >= text.length) break;
    }
    this.take(text, done, at);
    if (at > 0) this.before = Buffer.concat([this.before, text.subarray(Math.max(0, at - 2), at)]);
    this.before = this.before.subarray(-2);
    // A copy: the bytes may be those of a buffer that is used again.
    this.rest = Buffer.from(text.subarray(at));
    this.offset += at;
  }

  private boundary: Header | undefined;

  /** Where the token at `at` ends; -1 when that cannot be told yet. */
  private step(text: Buffer, at: number): number {
    if (at >= text.length) return -1;
    switch (this.state.in) {
      case 'sql':
        return this.stepSql(text, at);
      case 'copy':
        return this.stepCopy(text, at);
      case 'string':
        return this.stepString(text, at, this.state.escapes);
      case 'identifier':
        return this.stepTo(text, at, DOUBLE);
      case 'dollar':
        return this.stepDollar(text, at, this.state.tag);
      case 'comment':
        return this.stepComment(text, at, this.state);
    }
  }

  private stepSql(text: Buffer, at: number): number {
    const wasStatementStart = this.statementStart;
    if (this.lineStart && text[at] === DASH) {
      const end = this.lineComment(text, at);
      if (end !== undefined) return end;
    }
    if (wasStatementStart) {
      const end = this.copyStatement(text, at);
      if (end !== undefined) return end;
    }
    return this.plain(text, at);
  }

  /** A comment at the beginning of a line: pg_dump's own all are. */
  private lineComment(text: Buffer, at: number): number | undefined {
    if (at + 1 >= text.length) return -1;
    if (text[at + 1] !== DASH) return undefined;
    const end = text.indexOf(NEWLINE, at);
    if (end < 0) return -1;
    if (end === at + 2) {
      // The frame of a header: the line below says whether it is one.
      const below = text.indexOf(NEWLINE, end + 1);
      if (below < 0) return -1;
      // The beginning says how names are written.
      if (this.current.type === 'BEGIN') this.readBeginning(text, at);
      const line = this.decode(text.subarray(end + 1, below));
      this.boundary = parseHeader(line) ?? endOf(line);
      // The line that closes the frame must not be taken for the beginning of another.
      if (this.boundary !== undefined) {
        if (text.length < below + 4) return this.wait();
        this.complete = this.boundary.type === 'END';
        this.statementStart = true;
        return below + 1 + 3;
      }
    }
    return end + 1;
  }

  /** What the settings at the beginning say of the text that follows. Nothing of `text` was taken yet: no object has begun. */
  private readBeginning(text: Buffer, before: number): void {
    const kept = this.current.kept ?? [];
    const settings = Buffer.concat([...kept, text.subarray(0, before)]).toString('latin1');
    this.decode = decoderOf(encodingIn(settings));
    this.escapes = NON_STANDARD.test(settings);
  }

  private wait(): number {
    this.boundary = undefined;
    return -1;
  }

  /** COPY as pg_dump writes it announces rows; any other is not one of pg_dump's. */
  private copyStatement(text: Buffer, at: number): number | undefined {
    if (text[at] !== 67 && text[at] !== 99) return undefined;
    if (text.length - at < 5) return -1;
    if (!/^copy\s$/i.test(text.toString('latin1', at, at + 5))) return undefined;
    if (this.current.type !== 'TABLE DATA') return this.noteForeign(text, at);
    const line = COPY_LINE.exec(text.toString('latin1', at, at + MAX_COPY_LINE_BYTES))?.[0];
    if (line === undefined) {
      // Either cut off, or no statement of pg_dump's.
      const whole = text.indexOf(SEMICOLON, at) >= 0 && text.length - at > 64 << 10;
      return whole || text.length - at > MAX_COPY_LINE_BYTES ? this.noteForeign(text, at) : -1;
    }
    this.state = { in: 'copy' };
    this.keep(text.subarray(at, at + line.length));
    this.lineStart = true;
    this.current.rows ??= 0;
    return at + line.length;
  }

  private noteForeign(text: Buffer, at: number): number {
    const line = text.toString('utf8', at, at + 80).split('\n')[0] ?? '';
    if (this.foreign.length < MAX_FOREIGN) this.foreign.push(line);
    this.statementStart = false;
    this.lineStart = false;
    return at + 1;
  }

  /** SQL up to whatever needs a closer look. */
  private plain(text: Buffer, from: number): number {
    for (let at = from; at < text.length; at++) {
      const byte = text[at] ?? 0;
      if (byte === NEWLINE) {
        this.lineStart = true;
        if (at + 1 < text.length && (text[at + 1] === DASH || this.statementStart)) return at + 1;
        continue;
      }
      // A statement may begin where a line does not.
      if (at > from && this.statementStart && (byte === 67 || byte === 99)) return at;
      const special = this.special(text, at, byte);
      if (special === 'wait') return at > from ? at : -1;
      if (special !== undefined) return special;
      this.pass(byte);
    }
    return text.length;
  }

  private pass(byte: number): void {
    if (byte === SEMICOLON) this.statementStart = true;
    else if (byte > 32) this.statementStart = false;
    this.lineStart = false;
  }

  private special(text: Buffer, at: number, byte: number): number | 'wait' | undefined {
    switch (byte) {
      case QUOTE:
        this.enter({ in: 'string', escapes: this.escapes || this.isEscapeString(text, at) });
        return at + 1;
      case DOUBLE:
        this.enter({ in: 'identifier' });
        return at + 1;
      case DOLLAR:
        return this.dollar(text, at);
      case DASH:
        if (at + 1 >= text.length) return 'wait';
        if (text[at + 1] !== DASH) return undefined;
        return endOfLine(text, at) ?? 'wait';
      case SLASH:
        if (at + 1 >= text.length) return 'wait';
        if (text[at + 1] !== STAR) return undefined;
        this.state = { in: 'comment', depth: 1 };
        return at + 2;
      case BACKSLASH:
        return this.meta(text, at);
      default:
        return undefined;
    }
  }

  /** `E'…'`, in which a backslash escapes. */
  private isEscapeString(text: Buffer, quote: number): boolean {
    const before = this.byteBefore(text, quote, 1);
    return (before === 69 || before === 101) && !isWord(this.byteBefore(text, quote, 2));
  }

  /** The byte `distance` before `at`, even if it is in an earlier chunk. */
  private byteBefore(text: Buffer, at: number, distance: number): number {
    const place = at - distance;
    return (place < 0 ? this.before[this.before.length + place] : text[place]) ?? 0;
  }

  private enter(state: State): void {
    this.state = state;
    this.statementStart = false;
    this.lineStart = false;
  }

  private dollar(text: Buffer, at: number): number | 'wait' | undefined {
    if (isWord(this.byteBefore(text, at, 1))) return undefined;
    const tag = dollarTag(text, at);
    if (tag === undefined || tag === 'wait') return tag;
    this.enter({ in: 'dollar', tag });
    return at + tag.length;
  }

  /** A command to psql. pg_dump writes two, each once and on a line of its own. */
  private meta(text: Buffer, at: number): number | 'wait' {
    const end = text.indexOf(NEWLINE, at);
    if (end < 0) return 'wait';
    const line = text.toString('latin1', at, end);
    const { type } = this.current;
    const own = line.startsWith('\\restrict') ? type === 'BEGIN' : type === 'END';
    if (!this.lineStart || !META.test(line) || !own) this.noteForeign(text, at);
    this.lineStart = true;
    return end + 1;
  }

  private stepString(text: Buffer, from: number, escapes: boolean): number {
    for (let at = from; ;) {
      const quote = text.indexOf(QUOTE, at);
      if (escapes) {
        const escape = text.indexOf(BACKSLASH, at);
        if (escape >= 0 && (quote < 0 || escape < quote)) {
          if (escape + 1 >= text.length) return escape > from ? escape : -1;
          at = escape + 2;
          if (at >= text.length) return text.length;
          continue;
        }
      }
      if (quote < 0) return text.length;
      // Two are one of the string's own.
      if (quote + 1 >= text.length) return quote > from ? quote : -1;
      if (text[quote + 1] === QUOTE) {
        at = quote + 2;
        if (at >= text.length) return text.length;
        continue;
      }
      this.state = SQL;
      return quote + 1;
    }
  }

  private stepTo(text: Buffer, at: number, byte: number): number {
    const end = text.indexOf(byte, at);
    if (end < 0) return text.length;
    this.state = SQL;
    return end + 1;
  }

  private stepDollar(text: Buffer, at: number, tag: Buffer): number {
    const end = text.indexOf(tag, at);
    if (end >= 0) {
      this.state = SQL;
      return end + tag.length;
    }
    const safe = text.length - tag.length + 1;
    return safe > at ? safe : -1;
  }

  private stepComment(text: Buffer, from: number, state: { depth: number }): number {
    for (let at = from; at + 1 < text.length; at++) {
      const [a, b] = [text[at], text[at + 1]];
      if (a === SLASH && b === STAR) state.depth++;
      else if (a === STAR && b === SLASH) state.depth--;
      else continue;
      if (state.depth === 0) this.state = SQL;
      return at + 2;
    }
    return text.length - 1 > from ? text.length - 1 : -1;
  }

  /** Rows, up to the line that ends them. */
  private stepCopy(text: Buffer, at: number): number {
    if (this.lineStart && text[at] === BACKSLASH) {
      if (text.length < at + 3) return -1;
      if (text[at + 1] === 46 && text[at + 2] === NEWLINE) return this.endCopy(at + 3);
    }
    const end = text.indexOf(COPY_END, at);
    if (end >= 0) {
      this.countRows(text, at, end + 1);
      return this.endCopy(end + COPY_END.length);
    }
    // The last three bytes may be the beginning of that line.
    const tail = text.lastIndexOf(NEWLINE);
    const safe = tail >= at && tail > text.length - COPY_END.length ? tail : text.length;
    if (safe <= at) return -1;
    this.countRows(text, at, safe);
    this.lineStart = false;
    return safe;
  }

  private endCopy(end: number): number {
    this.current.rowsEnd = this.offset + end;
    this.state = SQL;
    this.statementStart = true;
    this.lineStart = true;
    return end;
  }

  private countRows(text: Buffer, from: number, to: number): void {
    let rows = 0;
    // Each look is a call into native code: many times faster than looking at each byte here.
    for (
      let at = text.indexOf(NEWLINE, from);
      at >= 0 && at < to;
      at = text.indexOf(NEWLINE, at + 1)
    )
      rows++;
    this.current.rows = (this.current.rows ?? 0) + rows;
  }

  private take(text: Buffer, from: number, to: number): void {
    if (to <= from) return;
    const part = text.subarray(from, to);
    const { current } = this;
    current.hash.update(part);
    if (current.type !== 'TABLE DATA') this.keep(part);
    else if (current.rowsEnd !== undefined) {
      this.keep(part.subarray(Math.max(0, current.rowsEnd - this.offset - from)));
    }
  }

  /** The header of an object, as if it had another owner. */
  private takeHeader(header: Buffer, owner: string): void {
    const text = withOwner(header, owner, this.decode);
    this.take(text, 0, text.length);
  }

  private keep(part: Buffer): void {
    const { current } = this;
    if (current.kept === undefined || part.length === 0) return;
    current.keptBytes += part.length;
    if (current.keptBytes > MAX_DEFINITION_BYTES) current.kept = undefined;
    else current.kept.push(Buffer.from(part));
  }

  private startObject(header: Header, offset: number): void {
    this.finishObject(offset);
    const { onDefinition, onRows } = this.options;
    const wanted = header.type === 'TABLE DATA' ? onRows : onDefinition;
    this.current = begin(header, offset, wanted !== undefined && header.type !== 'BLOBS');
  }

  private finishObject(end: number): void {
    const { name, type, schema, owner, offset, rows, hash, kept } = this.current;
    const sha256 = hash.digest('hex');
    const object = { name, type, schema, owner, offset, bytes: end - offset, sha256, rows };
    this.objects.push(object);
    if (kept === undefined) return;
    const { onDefinition, onRows } = this.options;
    (type === 'TABLE DATA' ? onRows : onDefinition)?.(object, Buffer.concat(kept));
  }
}

function begin(header: Header, offset: number, keep: boolean): Current {
  const hash = createHash('sha256');
  const kept = keep ? [] : undefined;
  return { ...header, offset, rows: undefined, hash, kept, keptBytes: 0, rowsEnd: undefined };
}
