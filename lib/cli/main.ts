// Runs a command line and says how it ended. The only place that catches whatever was thrown.
import process from 'node:process';
import { CommanderError } from 'commander';
import { ERRORS, HoldfastError } from '../errors.ts';
import { errorLines } from './output/error-lines.ts';
import { overview } from './output/overview.ts';
import { buildProgram } from './program.ts';

const INTERRUPTED = ERRORS.CANCELLED.exit;

/** The exit code of the command line; everything that has to be said was said. */
export async function main(argv: readonly string[]): Promise<number> {
  process.stdout.on('error', goOnUnread);
  if (argv.length <= 2) {
    process.stdout.write(overview());
    return 0;
  }
  const interrupt = new AbortController();
  const onSignal = () => {
    // A second signal means now, whatever is left behind: nothing that is listed depends on an orderly end.
    if (interrupt.signal.aborted) process.exit(INTERRUPTED);
    interrupt.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const outcome = { exit: 0 };
  try {
    await buildProgram(outcome, interrupt.signal).parseAsync(argv);
    return outcome.exit;
  } catch (error) {
    return report(error, argv.includes('--json'));
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** Who reads the output may have seen enough, as `head` does; what is under way goes on and ends as it would. */
function goOnUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

function report(error: unknown, json: boolean): number {
  // Help and version are no failures; of its own complaints commander has written the text.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ERRORS.USAGE.exit;
  const { code, message, hint, exit, retry } = describeError(error);
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ error: { code, message, hint, exit, retry } }, undefined, 2)}\n`,
    );
  } else {
    process.stderr.write(`error: ${errorLines({ message, hint, code })}\n`);
    if (code === undefined && error instanceof Error)
      process.stderr.write(`${error.stack ?? ''}\n`);
  }
  return exit;
}

interface Described {
  readonly code: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  readonly exit: number;
  readonly retry: boolean;
}

function describeError(error: unknown): Described {
  if (error instanceof HoldfastError) {
    const { code, message, hint } = error;
    return { code, message, hint, ...ERRORS[code] };
  }
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const hint = 'Free some room, then run the same command again.';
    return { code: 'NO_SPACE', message, hint, ...ERRORS.NO_SPACE };
  }
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) {
    return { code: undefined, message, hint: undefined, exit: 1, retry: false };
  }
  const text = error instanceof Error ? error.message : String(error);
  const hint = 'This is a bug of Holdfast. Please report it with the lines below.';
  return { code: undefined, message: text, hint, exit: 1, retry: false };
}
