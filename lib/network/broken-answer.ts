// What goes wrong on the way to a server, and may be otherwise the next time. Small, as each function of the stack loads it.

export interface BrokenAnswerOptions {
  readonly cause?: unknown;
  /** How long the server asks to wait before the next attempt. */
  readonly waitMs?: number | undefined;
}

/** An answer that did not come, or not whole: the same may be asked again. Its message says what the server did: `broke off`. */
export class BrokenAnswer extends Error {
  readonly waitMs: number | undefined;

  constructor(message: string, { cause, waitMs }: BrokenAnswerOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'BrokenAnswer';
    this.waitMs = waitMs;
  }
}

/** Nothing at all came back for a request. */
export class NoAnswer extends BrokenAnswer {
  constructor(ms: number) {
    super(`gave no answer for ${seconds(ms)}`);
    this.name = 'NoAnswer';
  }
}

/** A time as messages give it: `20 seconds`. */
export function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))} seconds`;
}
