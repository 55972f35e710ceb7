// What the configuration says about moving what is kept for long to a class where storage costs less, and whether that pays.
import {
  leastBytes,
  longStayOf,
  pinnedStay,
  type MoveTerms,
  type Stay,
} from '../policy/long-kept.ts';
import type { AwsConfig, Config } from './config.ts';
import { intervalOf } from './objectives.ts';

/** By which terms something is moved; undefined where everything stays in the usual class. */
export function moveTerms({
  storageClass,
  contentMonths,
  undoDays,
}: Pick<AwsConfig, 'storageClass' | 'contentMonths' | 'undoDays'>): MoveTerms | undefined {
  return storageClass === 'standard' ? undefined : { contentMonths, undoDays };
}

/** What moving means for the backups of one source. */
export interface SourceMove {
  readonly source: string;
  /** How long a backup stays that its month or year alone keeps; undefined where the policy keeps none so long. */
  readonly stay: Stay | undefined;
  /** From how many bytes on such an artifact is moved; undefined where it would cost more. */
  readonly least: number | undefined;
}

export interface MovePlan {
  readonly terms: MoveTerms;
  /** From how many bytes on an artifact is moved that is pinned; undefined where it would cost more. */
  readonly pinned: number | undefined;
  readonly sources: readonly SourceMove[];
}

/** What would be moved, as far as the configuration tells; undefined where nothing shall be. Schedules are looked at from `now` on. */
export function movePlan(config: Pick<Config, 'aws' | 'sources'>, now: Date): MovePlan | undefined {
  const terms = config.aws && moveTerms(config.aws);
  if (terms === undefined) return undefined;
  const sources = config.sources.map((source) => {
    const stay = longStayOf(source.retention, intervalOf(source, now), terms);
    return { source: source.name, stay, least: stay && leastBytes(stay) };
  });
  return { terms, pinned: leastBytes(pinnedStay(terms)), sources };
}

/** Whether anything can come to be moved. */
export function movesAnything({ pinned, sources }: MovePlan): boolean {
  return pinned !== undefined || sources.some(({ least }) => least !== undefined);
}
