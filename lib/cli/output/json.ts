// JSON that is safe to look at, and documents whose list is written while it is found.
import { ERRORS, HoldfastError } from '../../errors.ts';
import { displayPath, toUtf8 } from '../../format/paths.ts';

// What JSON leaves as it is and a terminal obeys, or hides: C1 controls, marks that reorder text, invisible ones.
const OBEYED = /[\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;

/** A value as indented JSON in which no character moves a cursor, reorders or hides text: these are escaped, and mean the same. */
export function jsonText(value: object): string {
  return JSON.stringify(value, undefined, 2).replace(
    OBEYED,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A path for documents: text where it is UTF-8; otherwise as on a terminal, with its bytes in `pathBase64`. */
export function jsonPath(path: string): { path: string; pathBase64?: string } {
  const text = toUtf8(path);
  if (text !== undefined) return { path: text };
  return { path: displayPath(path), pathBase64: Buffer.from(path, 'latin1').toString('base64') };
}

/** Where pieces of a document go. */
export interface Pieces {
  piece(text: string): void;
}

/** One document with a list of any length in it, which is never held. */
export class ListDocument {
  private readonly terminal: Pieces;
  private items = 0;

  /** Writes `head` and begins the list `name`. */
  constructor(terminal: Pieces, head: object, name: string) {
    this.terminal = terminal;
    terminal.piece(`${jsonText(head).slice(0, -2)},\n  "${name}": [`);
  }

  item(value: object): void {
    const text = jsonText(value).replaceAll('\n', '\n    ');
    this.terminal.piece(`${this.items++ === 0 ? '' : ','}\n    ${text}`);
  }

  /** Ends the list and adds `tail`. */
  end(tail: object): void {
    const close = this.items === 0 ? ']' : '\n  ]';
    this.terminal.piece(
      `${close}${jsonText(tail) === '{}' ? '\n}' : `,${jsonText(tail).slice(1)}`}\n`,
    );
  }

  /** Ends it with why it is not complete; the exit code. Throws what is no failure of the kind that a user can meet. */
  fail(error: unknown): number {
    if (!(error instanceof HoldfastError)) throw error;
    const { code, message, hint } = error;
    const { exit, retry } = ERRORS[code];
    this.end({ error: { code, message, hint, exit, retry } });
    return exit;
  }
}
