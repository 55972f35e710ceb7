// What every manager of timers does for us.
import type { Manager, Start, Timer } from './timers.ts';

/** A timer that is there. */
export interface Installed {
  readonly manager: Manager;
  readonly verb: Timer['verb'];
  /** The file, or the crontab, that has it. */
  readonly where: string;
  readonly start: Start;
  /** Whether it will start; undefined where that cannot be seen. */
  readonly isActive: boolean | undefined;
  /** The exit code with which it ended last, where that can be seen. */
  readonly lastExit: number | undefined;
}

/** What an install or a removal did, or would do. */
export interface Change {
  readonly change: 'create' | 'replace' | 'keep' | 'remove';
  readonly where: string;
}

export interface Changed {
  readonly changes: readonly Change[];
  /** What is different in what is started. */
  readonly differences: readonly string[];
  /** What the user has to know or to do. */
  readonly warnings: readonly string[];
}

/** A way to have programs started by the clock. */
export interface TimerManager {
  /** Throws before anything is written, or puts everything back. With `dryRun` it only says what would change. */
  install(start: Start, options: { readonly dryRun: boolean }): Promise<Changed>;
  /** The timers of these systems, or of all. */
  installed(): Promise<readonly Installed[]>;
  /** Takes away timers that we have made, and nothing else. */
  remove(
    which: Pick<Start, 'system' | 'store'>,
    options: { readonly dryRun: boolean },
  ): Promise<Changed>;
}
