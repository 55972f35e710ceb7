// What must hold between the options of one source, beyond the shape of each.
import { compileGlobs, globFault, parseGlob } from '../../format/globs.ts';
import { isTimeZone } from '../../policy/calendar.ts';
import { longestInterval, readSchedule, type Interval } from '../../policy/schedule.ts';
import { quote } from './faults.ts';
import type { ConfigFinding } from './faults.ts';
import { nearest } from '../nearest.ts';
import { ELSEWHERE } from '../schema/other-databases.ts';
import type { ConfigShape, RetentionShape, SourceShape } from '../schema/configuration.ts';
import { durationMs, formatDuration } from '../units.ts';
import type { Path } from '../load/yaml.ts';

/** A source with its place in the file. */
export interface PlacedSource {
  readonly at: Path;
  readonly source: SourceShape;
}

const GLOB_LISTS = ['include', 'exclude', 'tolerate'] as const;

/** The globs of one list; none where the kind of source has no such list. */
export function globsOf(source: SourceShape, list: (typeof GLOB_LISTS)[number]): readonly string[] {
  if (list === 'tolerate') return source.kind === 'postgres' ? [] : source.tolerate;
  return 'include' in source ? source[list] : [];
}

/** Finds globs that are none or lead out of the source. */
export function globFindings({ at, source }: PlacedSource): ConfigFinding[] {
  const allowed =
    'a glob relative to the path of the source, without "..", a leading "/" or a leading "!"';
  return GLOB_LISTS.flatMap((list) =>
    globsOf(source, list).flatMap((glob, index) => {
      const why = globFault(glob);
      if (why === undefined) return [];
      return [{ path: [...at, list, index], message: `${quote(glob)} ${why}`, allowed }];
    }),
  );
}

/**
 * True when `pattern` of an `exclude` list leaves out `path`: it matches the path or a folder above it. A pattern without a slash
 * matches a name at any depth.
 */
export function leavesOut(pattern: string, path: string): boolean {
  // An invalid pattern has a finding of its own.
  if (globFault(pattern) !== undefined) return false;
  const matches = compileGlobs([parseGlob(pattern, 'any-depth')]);
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.some((name, depth) => matches(parts.slice(0, depth + 1).join('/'), name, true));
}

/** Finds what is included by its very name and excluded by a pattern: one of the two was not meant. */
export function excludedInclusions({ at, source }: PlacedSource): ConfigFinding[] {
  const named = globsOf(source, 'include').filter((glob) => !/[*?]/.test(glob));
  return globsOf(source, 'exclude').flatMap((pattern, index) => {
    const lost = named.find((path) => leavesOut(pattern, path));
    if (lost === undefined) return [];
    return [
      {
        path: [...at, 'exclude', index],
        message: `${quote(pattern)} leaves out ${quote(lost)}, which "include" names`,
        allowed: 'a pattern that does not match what "include" names',
      },
    ];
  });
}

const ZONE_ALLOWED =
  'a name of the IANA time zone database, such as UTC, Europe/Berlin or America/Los_Angeles';

/** What libraries still take for zones: some leave the clock changes out, and some name another place than people mean. */
const ABBREVIATIONS =
  /^(A[CEGRS]T|BET|BST|C[ANST]T|CTT|EAT|E[CS]T|HST|I[ES]T|JST|M[IS]T|N[ES]T|P[LNRS]T|SST|VST)$/i;

/** Finds a time zone that this machine does not know, and abbreviations, which stand for several. */
export function zoneFindings(timeZone: string, path: Path): ConfigFinding[] {
  if (ABBREVIATIONS.test(timeZone)) {
    const message = `${quote(timeZone)} is an abbreviation, which stands for several time zones`;
    return [{ path, message, allowed: ZONE_ALLOWED }];
  }
  if (isTimeZone(timeZone)) return [];
  const meant = nearest(timeZone, Intl.supportedValuesOf('timeZone'));
  const guess = meant === undefined ? '' : `; did you mean ${quote(meant)}?`;
  const message = `${quote(timeZone)} is not a known time zone${guess}`;
  return [
    {
      path,
      message,
      allowed: ZONE_ALLOWED,
    },
  ];
}

/** That an objective is shorter than the longest interval of its schedule. */
export function intervalFinding(path: Path, rpo: string, interval: Interval): ConfigFinding {
  const longest = formatDuration(interval.to.getTime() - interval.from.getTime());
  const [from, to] = [interval.from, interval.to].map((time) =>
    time.toISOString().replace(':00.000Z', 'Z'),
  );
  return {
    path,
    also: [
      [...path.slice(0, -1), 'schedule'],
      [...path.slice(0, -1), 'timeZone'],
    ],
    message: `got ${rpo}, but "schedule" leaves ${longest} between ${from} and ${to}`,
    allowed: `at least ${longest}, or a schedule that comes more often (a clock change makes a day of 25 hours, except in UTC)`,
  };
}

/** Finds schedules that are none, and objectives that the schedule cannot meet. */
export function objectiveFindings({ at, source }: PlacedSource, now: Date): ConfigFinding[] {
  const { schedule, rpo, timeZone } = source;
  const badZone = zoneFindings(timeZone, [...at, 'timeZone']);
  if (schedule === undefined) {
    if (rpo === undefined) return badZone;
    const message = `got ${rpo}, but the source has no "schedule" that would meet it`;
    return [
      ...badZone,
      {
        path: [...at, 'rpo'],
        also: [[...at, 'schedule']],
        message,
        allowed: 'an RPO together with a schedule',
      },
    ];
  }
  const read = readSchedule(schedule, badZone.length > 0 ? 'UTC' : timeZone);
  if (typeof read === 'string') {
    const message = `got ${quote(schedule)}: ${read}`;
    const allowed = 'five cron fields such as 0 2 * * * (minute hour day month weekday)';
    return [...badZone, { path: [...at, 'schedule'], message, allowed }];
  }
  if (rpo === undefined || badZone.length > 0) return badZone;
  const longest = longestInterval(read, now);
  const isMet = longest.to.getTime() - longest.from.getTime() <= durationMs(rpo);
  return isMet ? [] : [intervalFinding([...at, 'rpo'], rpo, longest)];
}

/** Finds names under `otherDatabases` that are no source of files. */
export function otherDatabaseFindings({
  otherDatabases,
  sources,
}: Pick<ConfigShape, 'otherDatabases' | 'sources'>): ConfigFinding[] {
  const folders = Object.keys(sources).filter((name) => sources[name]?.kind === 'files');
  const allowed = [...folders, ELSEWHERE].join(', ');
  return Object.entries(otherDatabases).flatMap(([engine, name]) => {
    if (name === undefined || name === ELSEWHERE || folders.includes(name)) return [];
    const message = `got ${quote(name)}, which is no source of kind files`;
    return [{ path: ['otherDatabases', engine], message, allowed }];
  });
}

/** The policy that holds for a source: its own values over those of the system. */
export function mergedRetention(
  system: RetentionShape,
  own: SourceShape['retention'],
): RetentionShape {
  const given = Object.entries(own ?? {}).filter(([, value]) => value !== undefined);
  return { ...system, ...Object.fromEntries(given) };
}

/** Finds a policy that would keep nothing, which nobody means. */
export function retentionFindings(retention: RetentionShape, path: Path): ConfigFinding[] {
  const { daily, weekly, monthly, yearly, last, within } = retention;
  if (daily + weekly + monthly + yearly + last > 0 || durationMs(within) > 0) return [];
  return [
    { path, message: 'keeps nothing: every number is 0', allowed: 'at least one number above 0' },
  ];
}
