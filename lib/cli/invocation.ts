// What a command is to the program that calls it.
import type { CommonOptions } from './session.ts';

/** What a command gets besides its own arguments. */
export interface Invocation<Options = object> {
  readonly options: CommonOptions & Options;
  readonly signal: AbortSignal;
}

/** A command returns its exit code. */
export type Run<Options> = (
  names: string[],
  invocation: Invocation<Options>,
) => number | Promise<number>;
