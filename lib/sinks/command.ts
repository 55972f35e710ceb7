// A program of this machine that gets the message on its standard input. No text of a message is an argument or part of a command.
import { startChild } from '../processes/child.ts';
import { DELIVERED, type Delivery, type Sink } from './sink.ts';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Writable } from 'node:stream';

export interface CommandOptions {
  readonly name: string;
  /** The program and its arguments. */
  readonly run: readonly string[];
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long it may run. @default 30_000 */
  readonly timeoutMs?: number;
}

type Child = ChildProcessByStdio<Writable, null, null>;

const TIMEOUT_MS = 30_000;

export function commandSink({ timeoutMs = TIMEOUT_MS, ...options }: CommandOptions): Sink {
  const { name, run, folder, env } = options;
  return {
    name,
    kind: 'command',
    send: async (message, signal): Promise<Delivery> => {
      const [file = '', ...args] = run;
      const late = AbortSignal.timeout(timeoutMs);
      const { id, event, severity, system, subject, to } = message;
      const variables = {
        HOLDFAST_ID: id,
        HOLDFAST_EVENT: event,
        HOLDFAST_SEVERITY: severity,
        HOLDFAST_SYSTEM: system,
        HOLDFAST_SUBJECT: subject,
        ...(to !== undefined && { HOLDFAST_CONTACT: to.contact }),
        ...(to?.phone !== undefined && { HOLDFAST_PHONE: to.phone }),
      };
      const { child, ended } = startChild<Child>(
        {
          ...{ file, args },
          options: {
            cwd: folder,
            env: { ...env, ...variables },
            stdio: ['pipe', 'ignore', 'ignore'],
            // What it starts in turn ends with it.
            detached: true,
          },
        },
        AbortSignal.any([signal, late]),
        stop,
      );
      // A program that does not read its input may end well all the same.
      child.stdin.on('error', () => undefined);
      child.stdin.end(`${subject}\n\n${message.text}\n`);
      const { exitCode, signal: by, notStarted } = await ended;
      if (exitCode === 0) return DELIVERED;
      const failed = (why: string, again: boolean) => ({ delivered: false, why, again }) as const;
      if (notStarted !== undefined)
        return failed(`cannot be started (${notStarted.code ?? 'unknown'})`, false);
      if (signal.aborted) return failed('was interrupted', false);
      if (late.aborted) return failed(`did not end within ${timeoutMs / 1000} seconds`, false);
      return failed(
        exitCode === null ? `was ended by ${by ?? '?'}` : `ended with ${exitCode}`,
        true,
      );
    },
  };
}

function stop(child: Child): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // It has ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
