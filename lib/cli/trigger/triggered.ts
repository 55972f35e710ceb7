// What `holdfast trigger` wants of a function or a task, and what it gets.
import type { Config, SourceConfig } from '../../config/config.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Trigger } from '../../format/ids.ts';
import type { invokeBackup } from '../../functions/invoke.ts';

export type Triggerable = Exclude<SourceConfig, { readonly kind: 'files' }>;
export type BackupReport = Awaited<ReturnType<typeof invokeBackup>>;

export interface Wanted {
  readonly config: Config;
  readonly source: Triggerable;
  readonly trigger: Trigger & { readonly kind: 'manual' | 'pre-deploy' };
  /** Aborts the waiting. */
  readonly signal: AbortSignal;
  /** Aborted by that, and when the time is over. */
  readonly deadline: AbortSignal;
  /** How long that is, as it was given. */
  readonly timeout: string;
  /** Undefined where nobody waits for the proof. */
  readonly engine: Engine | undefined;
}
