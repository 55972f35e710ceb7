// What the table of conditions says of each, and of the numbers that alarms look at.

/** `alarm`: somebody has to act, and `status` ends with 4; `watch`: worth a look by day. */
export type Severity = 'watch' | 'alarm';

/** What depends on the configuration of one source, or of the store; undefined where nothing is promised. */
export const LIMITS = ['lateAfterSeconds', 'restoreTestMaxAgeSeconds', 'rtoSeconds'] as const;
export type SourceLimit = (typeof LIMITS)[number];
export type Limit =
  SourceLimit | 'copyLateAfterSeconds' | 'capacityBytes' | 'leastLockSeconds' | 'nearTimeoutMs';

/** When an alarm goes off: its metric is on the wrong side of the threshold. */
export interface Watched {
  /** As `names/metrics.ts` calls it, or AWS for its own services. */
  readonly metric: string;
  readonly breach: 'above' | 'atLeast' | 'below';
  /** The name of a limit where it depends on the configuration: without the limit there is no alarm. */
  readonly threshold: number | Limit;
  /** Another limit without which there is no alarm. */
  readonly only?: Limit;
  /** Where set, it looks at what the value will be after so many days like the last. */
  readonly aheadDays?: number;
  /** How many points in a row, each of a quarter of an hour, or of a day where it looks ahead. @default 1 */
  readonly points?: number;
  /** What no value means: that something is wrong, or that nothing is. @default that all is as before */
  readonly silence?: 'alarm' | 'fine';
}

export interface Condition {
  readonly about: 'source' | 'resource' | 'store' | 'function' | 'stack' | 'machine';
  readonly severity: Severity;
  /** Set where all cannot be called well although nothing alarms. */
  readonly unwell?: true;
  /** What is wrong, in the few words that fit into the subject of a message. @default - the detail of what was found */
  readonly headline?: string;
  /** What is wrong. `LIMIT` stands for the threshold, `NAME` for the function or task. */
  readonly sentence: string;
  /** What that means for what was promised; `SOURCE`, `(RPO)` and `(RTO)` stand for the source and its objectives. */
  readonly means?: string;
  readonly next?: readonly string[];
  /** What is said of it when it is over, where `good again` would not be true. */
  readonly over?: string;
  /** The heading of docs/runbook.md, as an anchor. */
  readonly runbook?: string;
  /** What its own alarm looks at. */
  readonly watched?: Watched;
  /** The condition whose alarm tells of this one, too. */
  readonly alarm?: string;
  /** Conditions of the same source that are not said beside this one, because it says more. */
  readonly covers?: readonly string[];
}

/** The breach of a count: one or more. */
export const COUNTED = { breach: 'atLeast', threshold: 1 } as const;

/** Points that an alarm waits for where a value may be wrong for a moment. */
export const HOUR_OF_POINTS = 4;
