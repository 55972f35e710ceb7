// What must hold for a plan of AWS Backup, whose faults no job tells of before it fails: tiers, lock, cold storage, copies and tests.
import { DAY_MS } from '../../durations.ts';
import { vaultName } from '../../names/recovery-points.ts';
import { parseVault, RESOURCE_TYPES, type ResourceKind } from '../../names/resources.ts';
import { s3PlaceOf } from '../../names/store-place.ts';
import { planRules, type PointRule } from '../../policy/recovery-points/tiers.ts';
import { kindsOf, pointRetention } from '../load/resolve-recovery-points.ts';
import type { Path } from '../load/yaml.ts';
import type { ConfigShape, SelectionShape } from '../schema/configuration.ts';
import { durationMs } from '../units.ts';
import { quote } from './faults.ts';
import type { ConfigFinding } from './faults.ts';
import { repeatedFindings } from './functions.ts';

/** A selection with its place in the file. */
export interface PlacedSelection {
  readonly at: Path;
  readonly name: string;
  readonly selection: SelectionShape;
}

/** What AWS Backup keeps in cold storage at the least. */
const LEAST_COLD_DAYS = 90;
const MOST_CONTINUOUS_DAYS = 35;
/** A restore testing plan runs on days of the month. */
const MOST_TEST_DAYS = 28;

const CONTINUOUS: ReadonlySet<ResourceKind> = new Set(['aurora', 'rds', 's3']);
const COLD: ReadonlySet<ResourceKind> = new Set(['dynamodb', 'ebs', 'efs']);
const DATABASES: ReadonlySet<ResourceKind> = new Set(['aurora', 'rds']);
/** Recovery points of the others are encrypted by the key of the vault, whatever encrypts the resource. */
const UNDER_KEY_OF_RESOURCE: ReadonlySet<ResourceKind> = new Set([
  'aurora',
  'dynamodb',
  'ebs',
  'rds',
]);

/** Finds what would make jobs of the plan of a selection fail, or its tests never run. The schedule must be one. */
export function planFindings(placed: PlacedSelection, shape: ConfigShape): ConfigFinding[] {
  const { at, selection } = placed;
  const rules = rulesOf(selection, shape.retention);
  if (typeof rules === 'string')
    return [
      {
        path: [...at, 'schedule'],
        also: [[...at, 'continuous']],
        message: `got ${quote(selection.schedule)}: ${rules}`,
        allowed:
          'every day, one weekday, or one day of the month up to the 28th, at times that are at least two hours apart',
      },
    ];
  return [
    ...lockFindings(placed, rules, shape),
    ...continuousFindings(placed),
    ...coldFindings(placed, rules),
    ...testFindings(placed, rules, shape),
    ...copyFindings(placed, shape),
    ...repeatedFindings(selection.keys, [...at, 'keys'], 'key'),
  ];
}

function rulesOf(
  selection: SelectionShape,
  retention: ConfigShape['retention'],
): readonly PointRule[] | string {
  return planRules({
    schedule: selection.schedule,
    retention: pointRetention(selection, retention),
    continuousDays: daysOf(selection.continuous),
    coldAfterDays: daysOf(selection.coldAfter),
  });
}

/** A vault under lock fails every job whose retention is outside of its bounds. */
function lockFindings(
  { name }: PlacedSelection,
  rules: readonly PointRule[],
  { aws }: ConfigShape,
): ConfigFinding[] {
  const { minDays = 1, maxDays = 36_500 } = aws?.recoveryPoints?.lock ?? {};
  const at = ['aws', 'recoveryPoints', 'lock'];
  const also = [['aws', 'recoveryPoints', 'selections', name], ['retention']];
  const [first] = rules;
  if (first === undefined) return [];
  const shortest = rules.reduce((least, one) => (one.keepDays < least.keepDays ? one : least));
  const longest = rules.reduce((most, one) => (one.keepDays > most.keepDays ? one : most));
  const says = (rule: PointRule) =>
    `the ${rule.tier} recovery points of ${quote(name)} are kept for ${rule.keepDays} days: AWS Backup would fail their jobs`;
  return [
    ...(shortest.keepDays < minDays
      ? [
          {
            path: [...at, 'minDays'],
            also,
            message: `got ${minDays}, but ${says(shortest)}`,
            allowed: `at most ${shortest.keepDays}, or a longer retention`,
          },
        ]
      : []),
    ...(longest.keepDays > maxDays
      ? [
          {
            path: [...at, 'maxDays'],
            also,
            message: `got ${maxDays}, but ${says(longest)}`,
            allowed: `at least ${longest.keepDays}, or a shorter retention`,
          },
        ]
      : []),
  ];
}

function continuousFindings({ at, selection }: PlacedSelection): ConfigFinding[] {
  const { continuous } = selection;
  const days = daysOf(continuous);
  const path = [...at, 'continuous'];
  if (continuous === undefined || days === undefined) return [];
  if (days > MOST_CONTINUOUS_DAYS)
    return [
      {
        path,
        message: `got ${continuous}, but continuous backup reaches back ${MOST_CONTINUOUS_DAYS} days at most`,
        allowed: `at most ${MOST_CONTINUOUS_DAYS}d`,
      },
    ];
  return kindFindings({ at, selection }, path, {
    able: CONTINUOUS,
    says: (kinds) =>
      `${kinds} has no continuous backup: AWS Backup would make one more recovery point each day instead`,
  });
}

function coldFindings(
  { at, selection }: PlacedSelection,
  rules: readonly PointRule[],
): ConfigFinding[] {
  const { coldAfter } = selection;
  const days = daysOf(coldAfter);
  const path = [...at, 'coldAfter'];
  const also = [[...at, 'retention'], ['retention']];
  if (coldAfter === undefined || days === undefined) return [];
  const cold = rules.filter(({ coldAfterDays }) => coldAfterDays !== undefined);
  if (cold.length === 0)
    return [
      {
        path,
        also,
        message: `got ${coldAfter}, but nothing is kept by month or by year, and all else is too short for it`,
        allowed: '"coldAfter" together with "monthly" or "yearly" in the retention',
      },
    ];
  const short = cold.find(({ keepDays }) => keepDays < days + LEAST_COLD_DAYS);
  if (short !== undefined)
    return [
      {
        path,
        also,
        message: `got ${coldAfter}, but ${short.tier} recovery points are kept for ${short.keepDays} days, and what is cold stays so for ${LEAST_COLD_DAYS} at least`,
        allowed:
          short.keepDays > LEAST_COLD_DAYS
            ? `at most ${short.keepDays - LEAST_COLD_DAYS}d, or a longer retention`
            : 'a longer retention, or no "coldAfter"',
      },
    ];
  return kindFindings({ at, selection }, path, {
    able: COLD,
    says: (kinds) => `${kinds} has no cold storage`,
  });
}

/** Finds kinds of a selection that cannot do what `path` asks of them. */
function kindFindings(
  { at, selection }: Omit<PlacedSelection, 'name'>,
  path: Path,
  asked: {
    readonly able: ReadonlySet<ResourceKind>;
    readonly says: (kinds: string) => string;
  },
): ConfigFinding[] {
  const unable = kindsOf(selection).filter((kind) => !asked.able.has(kind));
  if (unable.length === 0) return [];
  return [
    {
      path,
      also: [
        [...at, 'resources'],
        [...at, 'expect'],
      ],
      message: asked.says(unable.map((kind) => RESOURCE_TYPES[kind]).join(', ')),
      allowed: `a selection with nothing but ${typesOf(asked.able)}`,
    },
  ];
}

function typesOf(kinds: ReadonlySet<ResourceKind>): string {
  return [...kinds].map((kind) => RESOURCE_TYPES[kind]).join(', ');
}

/** Finds what a look into a restored database needs and does not have: a test, an image, a network. */
function insideFindings(
  at: Path,
  { restoreTest: { postgres, every } }: PlacedSelection['selection'],
  { aws }: ConfigShape,
): ConfigFinding[] {
  if (postgres === undefined || aws === undefined) return [];
  const path = [...at, 'postgres'];
  const { databases, tasks } = aws;
  const findings: ConfigFinding[] = [];
  if (every === 'never')
    findings.push({
      path,
      also: [[...at, 'every']],
      message: 'nothing is restored that could be asked: "every" is never',
      allowed: '"postgres" together with a number of days in "every"',
    });
  if (databases.package !== 'image')
    findings.push({
      path,
      also: [['aws', 'databases', 'package']],
      message: `a task asks, which runs an image, but "aws.databases.package" is ${databases.package}`,
      allowed: 'package: image',
    });
  if (tasks.vpc === undefined && databases.vpc === undefined)
    findings.push({
      path,
      also: [
        ['aws', 'tasks', 'vpc'],
        ['aws', 'databases', 'vpc'],
      ],
      message: 'a task asks, which runs in a network of yours, and none is named',
      allowed:
        'a network in aws.tasks.vpc or aws.databases.vpc, from which restored databases can be reached',
    });
  return findings;
}

function testFindings(
  { at, selection }: PlacedSelection,
  rules: readonly PointRule[],
  shape: ConfigShape,
): ConfigFinding[] {
  const { every, subnetGroup, securityGroups, postgres } = selection.restoreTest;
  const path = [...at, 'restoreTest'];
  const findings: ConfigFinding[] = [...insideFindings(path, selection, shape)];
  const forDatabases = { subnetGroup, securityGroups: securityGroups[0], postgres };
  const hasDatabases = kindsOf(selection).some((kind) => DATABASES.has(kind));
  for (const [option, value] of Object.entries(forDatabases)) {
    if (value === undefined || hasDatabases) continue;
    findings.push({
      path: [...path, option],
      also: [[...at, 'resources']],
      message: 'nothing in this selection is a database',
      allowed: `"${option}" in a selection with RDS or Aurora`,
    });
  }
  const days = every === 'never' ? undefined : daysOf(every);
  if (days === undefined) return findings;
  const kept = Math.min(
    ...rules.filter(({ tier }) => tier !== 'continuous').map(({ keepDays }) => keepDays),
  );
  if (days >= kept)
    findings.push({
      path: [...path, 'every'],
      also: [[...at, 'retention'], ['retention']],
      message: `got ${every}, but a recovery point is kept for ${kept} days: some would be deleted before any test`,
      allowed: `at most ${Math.min(kept - 1, MOST_TEST_DAYS)}d, a longer retention, or never`,
    });
  else if (days > MOST_TEST_DAYS)
    findings.push({
      path: [...path, 'every'],
      message: `got ${every}, which no restore testing plan can say`,
      allowed: `at most ${MOST_TEST_DAYS}d, or never`,
    });
  return findings;
}

function copyFindings({ at, selection }: PlacedSelection, shape: ConfigShape): ConfigFinding[] {
  const { copies, keys } = selection;
  const account = shape.aws?.account ?? s3PlaceOf(shape.store)?.account;
  const vaults = copies.map(({ vault }) => vault);
  const bound = kindsOf(selection).filter((kind) => UNDER_KEY_OF_RESOURCE.has(kind));
  const abroad = vaults.flatMap((arn, index): ConfigFinding[] => {
    const vault = parseVault(arn);
    const path = [...at, 'copies', index, 'vault'];
    const also: Path[] = [['store'], ['aws', 'account'], [...at, 'keys']];
    if (vault === undefined) return [];
    const isElsewhere = account !== undefined && vault.account !== account;
    const isOwn =
      !isElsewhere &&
      vault.region === s3PlaceOf(shape.store)?.region &&
      vault.name === vaultName(shape.system);
    if (isOwn)
      return [
        {
          path,
          also: [...also, ['system']],
          message: `${quote(arn)} is the vault of the recovery points themselves`,
          allowed: 'a vault in another region or account',
        },
      ];
    if (!isElsewhere || bound.length === 0 || keys.length > 0) return [];
    return [
      {
        path,
        also,
        message: `${quote(arn)} is in another account, and "keys" names no key of yours: what a key of AWS encrypts cannot be copied there, and of ${bound.map((kind) => RESOURCE_TYPES[kind]).join(', ')} that is the key of the resource`,
        allowed: 'the keys of the resources in "keys", or a vault in the account of the stack',
      },
    ];
  });
  return [...abroad, ...repeatedFindings(vaults, [...at, 'copies'], 'vault')];
}

function daysOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : durationMs(text) / DAY_MS;
}
