// What must hold for what AWS Backup protects: what no job would say until it fails.
import { DAY_MS } from '../../durations.ts';
import { parseResource, parseVault } from '../../names/resources.ts';
import { s3PlaceOf } from '../../names/store-place.ts';
import {
  longestInterval,
  readSchedule,
  type Interval,
  type Schedule,
} from '../../policy/schedule.ts';
import { kindsOf } from '../load/resolve-recovery-points.ts';
import type { Path } from '../load/yaml.ts';
import type { ConfigShape } from '../schema/configuration.ts';
import { durationMs, formatDuration } from '../units.ts';
import { quote } from './faults.ts';
import type { ConfigFinding } from './faults.ts';
import { repeatedFindings } from './functions.ts';
import { planFindings, type PlacedSelection } from './recovery-point-plans.ts';
import { intervalFinding, zoneFindings } from './sources.ts';

/** Finds what AWS Backup would refuse, or would leave unprotected without a word. */
export function recoveryPointFindings(shape: ConfigShape, now: Date): ConfigFinding[] {
  const { recoveryPoints } = shape.aws ?? {};
  if (recoveryPoints === undefined) return [];
  return Object.entries(recoveryPoints.selections).flatMap(([name, selection]) => {
    const placed = { at: ['aws', 'recoveryPoints', 'selections', name], name, selection };
    return [
      ...nameFindings(placed, shape),
      ...matchFindings(placed),
      ...placeFindings(placed, shape),
      ...scheduleFindings(placed, shape, now),
    ];
  });
}

function nameFindings({ at, name }: PlacedSelection, { sources }: ConfigShape): ConfigFinding[] {
  if (!Object.hasOwn(sources, name)) return [];
  return [
    {
      path: at,
      atKey: true,
      also: [['sources', name]],
      message: `${quote(name)} is the name of a source, too, and records and metrics name both alike`,
      allowed: 'a name that no source has',
    },
  ];
}

/** ARNs, or tags with what they should match: never both, never neither. */
function matchFindings({ at, selection }: PlacedSelection): ConfigFinding[] {
  const { resources, tags, expect, kinds } = selection;
  const byTags = Object.keys(tags).length > 0;
  const repeated = [
    ...repeatedFindings(resources, [...at, 'resources'], 'resource'),
    ...(Array.isArray(expect) ? repeatedFindings(expect, [...at, 'expect'], 'resource') : []),
  ];
  if (byTags === resources.length > 0)
    return [
      {
        path: [...at, 'resources'],
        also: [[...at, 'tags']],
        message: byTags ? '"resources" and "tags" both select' : 'nothing is selected',
        allowed: 'either "resources" or "tags"',
      },
    ];
  if (byTags && expect === undefined)
    return [
      ...repeated,
      {
        path: [...at, 'tags'],
        also: [[...at, 'expect']],
        message: 'nobody could tell when they match nothing, or less than they should',
        allowed: '"tags" together with "expect": the ARNs that they should match, or how many',
      },
    ];
  if (!byTags && expect !== undefined)
    return [
      ...repeated,
      {
        path: [...at, 'expect'],
        also: [[...at, 'resources']],
        message: 'every ARN in "resources" is expected already',
        allowed: '"expect" together with "tags"',
      },
    ];
  return [...repeated, ...kindFindings({ at, selection }, kinds)];
}

function kindFindings(
  { at, selection }: Omit<PlacedSelection, 'name'>,
  kinds: readonly string[],
): ConfigFinding[] {
  const needed = typeof selection.expect === 'number';
  if (needed === kinds.length > 0) return repeatedFindings(kinds, [...at, 'kinds'], 'kind');
  return [
    {
      path: [...at, 'kinds'],
      also: [[...at, 'expect']],
      message: needed
        ? 'nothing says what kinds of resources the tags match'
        : `the ARNs say already that they are of the kinds ${kindsOf({ ...selection, kinds: [] }).join(', ')}`,
      allowed: '"kinds" exactly where "expect" is a number',
    },
  ];
}

/** A plan protects what is in its own region and account. */
function placeFindings({ at, selection }: PlacedSelection, shape: ConfigShape): ConfigFinding[] {
  const region = s3PlaceOf(shape.store)?.region;
  const account = shape.aws?.account ?? s3PlaceOf(shape.store)?.account;
  const lists = [
    ['resources', selection.resources],
    ['expect', Array.isArray(selection.expect) ? selection.expect : []],
  ] as const;
  return lists.flatMap(([list, arns]) =>
    arns.flatMap((arn, index) => {
      const name = parseResource(arn);
      const also: Path[] = [['store'], ['aws', 'account']];
      const path = [...at, list, index];
      if (name?.region !== undefined && region !== undefined && name.region !== region)
        return [
          {
            path,
            also,
            message: `${quote(arn)} is in ${name.region}, and the stack is in ${region}`,
            allowed: 'what is in the region of the store',
          },
        ];
      if (name?.account !== undefined && account !== undefined && name.account !== account)
        return [
          {
            path,
            also,
            message: `${quote(arn)} belongs to the account ${name.account}, and the stack to ${account}`,
            allowed: 'what belongs to the account of the stack',
          },
        ];
      return [];
    }),
  );
}

function scheduleFindings(placed: PlacedSelection, shape: ConfigShape, now: Date): ConfigFinding[] {
  const { at, selection } = placed;
  const { schedule, timeZone, rpo } = selection;
  const badZone = zoneFindings(timeZone, [...at, 'timeZone']);
  const read = readSchedule(schedule, badZone.length > 0 ? 'UTC' : timeZone);
  if (typeof read === 'string') {
    const message = `got ${quote(schedule)}: ${read}`;
    const allowed = 'five cron fields such as 0 5 * * * (minute hour day month weekday)';
    return [...badZone, { path: [...at, 'schedule'], message, allowed }];
  }
  if (badZone.length > 0) return [...badZone, ...planFindings(placed, shape)];
  const missed = rpo === undefined ? [] : rpoFindings(at, rpo, read, now);
  return [
    ...missed,
    ...planFindings(placed, shape),
    ...forgottenFindings(placed, shape, longestInterval(read, now)),
  ];
}

function rpoFindings(at: Path, rpo: string, schedule: Schedule, now: Date): ConfigFinding[] {
  const longest = longestInterval(schedule, now);
  const isMet = longest.to.getTime() - longest.from.getTime() <= durationMs(rpo);
  return isMet ? [] : [intervalFinding([...at, 'rpo'], rpo, longest)];
}

/** A vault in another account cannot be listed: of what it got the copy jobs tell, and AWS Backup forgets those after this. */
const JOBS_KEPT_MS = 30 * DAY_MS;

/** Copies into another account that come too seldom: nobody could tell in time whether the last one came. */
function forgottenFindings(
  { at, selection }: PlacedSelection,
  shape: ConfigShape,
  longest: Interval,
): ConfigFinding[] {
  const { copies, grace } = selection;
  const betweenMs = longest.to.getTime() - longest.from.getTime() + durationMs(grace);
  if (betweenMs <= JOBS_KEPT_MS) return [];
  const account = accountOf(shape);
  return copies.flatMap(({ vault }, index) => {
    if (parseVault(vault)?.account === account) return [];
    const isElsewhere =
      account === undefined ? 'may be in another account' : 'is in another account';
    return [
      {
        path: [...at, 'copies', index, 'vault'],
        also: [[...at, 'schedule'], [...at, 'grace'], ['aws', 'account'], ['store']],
        message: `${quote(vault)} ${isElsewhere}, where only the copy jobs show a copy, for 30 days: nobody could tell for ${formatDuration(betweenMs)} whether the last copy came`,
        allowed: `a schedule that comes more often, or a vault in the account of the stack${account === undefined ? ', which "account" names' : ''}`,
      },
    ];
  });
}

/** The account of the stack: as it is given, or that of what it protects. */
function accountOf({ aws, store }: ConfigShape): string | undefined {
  const resources = Object.values(aws?.recoveryPoints?.selections ?? {}).flatMap(
    ({ resources, expect }) => [...resources, ...(Array.isArray(expect) ? expect : [])],
  );
  const named = resources.flatMap((arn) => parseResource(arn)?.account ?? []);
  return aws?.account ?? s3PlaceOf(store)?.account ?? named[0];
}
