// What the doctor looks at about AWS Backup: what makes jobs fail, or makes no job at all without a word.
import { timeText } from '../output/units.ts';
import type { Config } from '../../config/config.ts';
import type { SelectionConfig } from '../../config/recovery-points.ts';
import { HoldfastError } from '../../errors.ts';
import {
  POINT_ROLES,
  pointRoleName,
  restorerRoleName,
  vaultName,
} from '../../names/recovery-points.ts';
import {
  parseResource,
  parseVault,
  RESOURCE_KINDS,
  RESOURCE_TYPES,
} from '../../names/resources.ts';
import { openBackupReader, type BackupPlace } from '../../recovery-points/aws-backup.ts';
import type { BackupReader, VaultSeen } from '../../recovery-points/service.ts';
import { openInventory, type Inventory } from '../../recovery-points/inventory.ts';
import { selectionsOf, stackPlace } from '../recovery-points/selections.ts';
import { failure } from './failure.ts';
import { ok, problem, warning, type DoctorFinding } from './finding.ts';

/** So many are named; the rest is counted. */
const MOST_NAMED = 10;

/** Findings about vault, opt-ins, roles and selections; none without `aws.recoveryPoints`. */
export async function examineRecoveryPoints(config: Config): Promise<DoctorFinding[]> {
  const { aws } = config;
  if (aws?.recoveryPoints === undefined) return [];
  const place = { region: aws.region, signal: AbortSignal.timeout(PATIENCE_MS) };
  const reader = openBackupReader(place);
  const parts = [
    () => vaultFindings(config, reader),
    () => optInFindings(config, reader),
    async () => roleFindings(config, await inventoryOf(config, reader, place)),
    async () =>
      selectionFindings(config, { reader, inventory: await inventoryOf(config, reader, place) }),
  ];
  const findings: DoctorFinding[] = [];
  for (const part of parts) {
    try {
      findings.push(...(await part()));
    } catch (error) {
      // Each is denied by a right of its own.
      const found = failure('points', error);
      findings.push(warning('points', found.message, found.advice ?? ''));
      if (error instanceof HoldfastError && UNASKABLE.has(error.code)) return findings;
    }
  }
  return findings;
}

/** Nothing can be said of an account whose vault is not there. */
async function inventoryOf(
  { system, aws }: Config,
  reader: BackupReader,
  place: BackupPlace,
): Promise<Inventory> {
  const vault = parseVault((await reader.vault(vaultName(system)))?.arn ?? '');
  const {
    partition = 'aws',
    account = aws?.account ?? '',
    region = aws?.region ?? '',
  } = vault ?? {};
  return openInventory(place, { partition, account, region });
}

const PATIENCE_MS = 30_000;
/** Then the next question has the same answer. */
const UNASKABLE: ReadonlySet<string> = new Set(['CANCELLED', 'CONFIG_INVALID']);

async function vaultFindings(config: Config, reader: BackupReader): Promise<DoctorFinding[]> {
  const name = vaultName(config.system);
  const vault = await reader.vault(name);
  if (vault === undefined) {
    return [problem('points', `there is no vault ${name}`, 'Deploy the stack: `holdfast deploy`.')];
  }
  return [lockFinding(name, vault, config)];
}

function lockFinding(name: string, { lock }: VaultSeen, { aws }: Config): DoctorFinding {
  const wanted = aws?.recoveryPoints?.lock.mode ?? 'governance';
  if (lock === undefined) {
    return problem(
      'points',
      `the vault ${name} has no lock: anyone with the permission to delete can delete every recovery point`,
      'Deploy again, and see in the trail who removed it.',
    );
  }
  const { minDays = 0, maxDays, finalFrom } = lock;
  const kept = `${minDays} to ${maxDays ?? 'any number of'} days`;
  const mode = finalFrom === undefined ? 'governance' : 'compliance';
  if (mode !== wanted) {
    return warning(
      'points',
      `the vault ${name} is locked in ${mode} mode, and the configuration says ${wanted}`,
      'Deploy, or say what is: a lock in compliance mode cannot be taken back.',
    );
  }
  const final = finalFrom === undefined ? '' : `, final from ${timeText(finalFrom)}`;
  return ok('points', `the vault ${name} is locked (${mode}${final}) for ${kept}`);
}

async function optInFindings(config: Config, reader: BackupReader): Promise<DoctorFinding[]> {
  const optIns = await reader.optIns();
  const kinds = new Set(selectionsOf(config).flatMap((one) => one.kinds));
  return [...kinds].map((kind) => {
    const type = RESOURCE_TYPES[kind];
    if (optIns[type] === true) return ok('points', `AWS Backup is opted in to ${type}`);
    return problem(
      'points',
      `AWS Backup is not opted in to ${type} in ${config.aws?.region ?? 'this region'}: its plans pass over all of that kind`,
      `aws backup update-region-settings --resource-type-opt-in-preference ${type}=true`,
    );
  });
}

async function roleFindings(config: Config, inventory: Inventory): Promise<DoctorFinding[]> {
  const { system } = config;
  const { region } = stackPlace(config);
  const roles = Object.keys(POINT_ROLES) as (keyof typeof POINT_ROLES)[];
  const people = restorerRoleName({ system, region });
  return Promise.all([
    ...roles.map(async (role) => {
      const name = pointRoleName({ system, region }, role);
      const trusted = await inventory.roleTrusts(name);
      if (trusted === undefined) return noRole(name);
      if (trusted.includes('backup.amazonaws.com'))
        return ok('points', `AWS Backup may take on the role ${name}`);
      return problem(
        'points',
        `AWS Backup may not take on the role ${name}`,
        'Deploy again; the trail says who changed whom it trusts.',
      );
    }),
    inventory
      .roleTrusts(people)
      .then((found) =>
        found === undefined
          ? noRole(people)
          : ok('points', `there is the role ${people}, by which people start restores`),
      ),
  ]);
}

function noRole(name: string): DoctorFinding {
  return problem('points', `there is no role ${name}`, 'Deploy the stack: `holdfast deploy`.');
}

interface Askable {
  readonly reader: BackupReader;
  readonly inventory: Inventory;
}

/** Which resources each selection matches now, and which of the account none does. */
async function selectionFindings(config: Config, asked: Askable): Promise<DoctorFinding[]> {
  const all = new Set(await asked.inventory.resources(RESOURCE_KINDS));
  for await (const { arn } of asked.reader.protectedResources())
    if (parseResource(arn) !== undefined) all.add(arn);
  const matched = new Set<string>();
  const findings: DoctorFinding[] = [];
  for (const selection of selectionsOf(config)) {
    const matches = await matchesOf(selection, all, asked.inventory);
    for (const arn of matches) matched.add(arn);
    findings.push(...matchFindings(selection, matches));
  }
  const unmatched = [...all].filter((arn) => !matched.has(arn)).sort();
  return [...findings, unmatchedFinding(unmatched)];
}

async function matchesOf(
  { resources, tags, kinds }: SelectionConfig,
  all: ReadonlySet<string>,
  inventory: Inventory,
): Promise<readonly string[]> {
  if (resources.length > 0) return resources.filter((arn) => all.has(arn));
  return inventory.resources(kinds.length > 0 ? kinds : RESOURCE_KINDS, tags);
}

function matchFindings(
  { name, expected }: SelectionConfig,
  matches: readonly string[],
): DoctorFinding[] {
  const found = ok('points', `${name} matches ${named(matches)}`);
  if (expected.arns === undefined) {
    if (matches.length === expected.count) return [found];
    return [
      problem(
        'points',
        `${name} matches ${named(matches)}, and ${expected.count} are expected`,
        'Tag what should be protected, or correct `expect`.',
      ),
    ];
  }
  const missing = expected.arns.filter((arn) => !matches.includes(arn));
  if (missing.length === 0) return [found];
  return [
    ...(matches.length > 0 ? [found] : []),
    problem(
      'points',
      `${name} does not match ${named(missing)}`,
      'Nothing backs these up: do they exist, in this region and account, with all of its tags?',
    ),
  ];
}

function unmatchedFinding(unmatched: readonly string[]): DoctorFinding {
  if (unmatched.length === 0)
    return ok('points', 'every resource that was found here is matched by a selection');
  return warning(
    'points',
    `no selection matches ${named(unmatched)}`,
    'Add what should be protected to a selection under `aws.recoveryPoints`; what is known here are tables, buckets, and what has tags.',
  );
}

function named(arns: readonly string[]): string {
  if (arns.length === 0) return 'nothing';
  const more = arns.length - MOST_NAMED;
  return `${arns.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
