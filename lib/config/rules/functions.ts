// What must hold for whatever a function reads: how often, and where its secrets are kept.
import { MINUTE_MS } from '../../durations.ts';
import { readSchedule, shortestIntervalBelow } from '../../policy/schedule.ts';
import { quote } from './faults.ts';
import type { ConfigFinding } from './faults.ts';
import type { PlacedSource } from './sources.ts';
import { formatDuration } from '../units.ts';
import type { Path } from '../load/yaml.ts';

/** A function of 15 minutes at most must have ended before it begins again. */
const LEAST_INTERVAL_MS = 15 * MINUTE_MS;

/** Finds a schedule that comes too often for a function. */
export function rateFindings({ at, source }: PlacedSource, now: Date): ConfigFinding[] {
  if (source.schedule === undefined) return [];
  const schedule = readSchedule(source.schedule, 'UTC');
  // An invalid schedule has a finding of its own.
  if (typeof schedule === 'string') return [];
  const shortestMs = shortestIntervalBelow(schedule, LEAST_INTERVAL_MS, now);
  if (shortestMs === undefined) return [];
  return [
    {
      path: [...at, 'schedule'],
      message: `got ${quote(source.schedule)}, which comes after ${formatDuration(shortestMs)} already`,
      allowed: 'at least 15 minutes between two backups by a function',
    },
  ];
}

/** Finds a reference that a function cannot follow: it has no files and no variables of anybody. */
export function outOfReach(reference: string | undefined, path: Path): ConfigFinding[] {
  const scheme = /^(env|file):/.exec(reference ?? '')?.[1];
  if (scheme === undefined) return [];
  const message = `a function cannot read ${scheme === 'env' ? 'a variable' : 'a file'} of this machine`;
  return [
    { path, also: [['aws']], message, allowed: 'ssm:/NAME or secret:NAME together with "aws"' },
  ];
}

/** Finds what is named more than once. */
export function repeatedFindings(
  values: readonly string[],
  path: Path,
  what: string,
): ConfigFinding[] {
  return values.flatMap((value, index) =>
    values.findIndex((one) => one.toLowerCase() === value.toLowerCase()) === index
      ? []
      : [
          {
            path: [...path, index],
            message: `${quote(value)} stands here for the second time`,
            allowed: `each ${what} once`,
          },
        ],
  );
}
