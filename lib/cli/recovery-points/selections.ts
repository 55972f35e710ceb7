// Which selection, and which of its resources, the command line means.
import type { AwsConfig, Config } from '../../config/config.ts';
import type { SelectionConfig } from '../../config/recovery-points.ts';
import { HoldfastError } from '../../errors.ts';
import { pointRoleName, restorerRoleName, type POINT_ROLES } from '../../names/recovery-points.ts';
import type { StackPlace } from '../../names/aws.ts';

/** The selections of a configuration; none without one. */
export function selectionsOf(config: Pick<Config, 'aws'> | undefined): readonly SelectionConfig[] {
  return config?.aws?.recoveryPoints?.selections ?? [];
}

/** The selection of that name; undefined when there is none, as of a source. */
export function selectionNamed(config: Config, name: string): SelectionConfig | undefined {
  return selectionsOf(config).find((one) => one.name === name);
}

/** The resources that are meant: all that the selection expects, or the one that `wanted` names by its ARN or its end. `USAGE` for none. */
export function resourcesMeant(
  { name, expected }: SelectionConfig,
  wanted: string | undefined,
): readonly string[] {
  const known = expected.arns ?? [];
  if (wanted === undefined) {
    if (known.length > 0) return known;
    throw new HoldfastError('USAGE', `${name} selects by tags, and names no resource`, {
      hint: 'Say which one: --resource ARN.',
    });
  }
  if (wanted.startsWith('arn:') && (known.length === 0 || known.includes(wanted))) return [wanted];
  const found = known.filter((arn) => arn.endsWith(`/${wanted}`) || arn.endsWith(`:${wanted}`));
  if (found.length > 0) return found;
  throw new HoldfastError('USAGE', `${name} has no resource "${wanted}"`, {
    hint: known.length === 0 ? 'Give the whole ARN.' : `Known are ${known.join(', ')}.`,
  });
}

/** The ARN of a role of the system for AWS Backup, in the account of the vault or of the stack. */
export function roleArn(config: Config, role: keyof typeof POINT_ROLES, vaultArn: string): string {
  return arnOfRole(config, (place) => pointRoleName(place, role), vaultArn);
}

/** The ARN of the role by which people start restores, in the account of the vault or of the stack. */
export function restorerRoleArn(config: Config, vaultArn: string): string {
  return arnOfRole(config, restorerRoleName, vaultArn);
}

function arnOfRole(
  { system, aws }: Config,
  nameIn: (place: StackPlace) => string,
  vaultArn: string,
): string {
  const [, partition = 'aws', , inArn = '', account = ''] = vaultArn.split(':');
  const name = nameIn({ system, region: aws?.region ?? inArn });
  return `arn:${partition}:iam::${aws?.account ?? account}:role/${name}`;
}

/** Where the stack of a configuration is; `CONFIG_INVALID` without one. */
export function stackPlace(config: Config): AwsConfig {
  if (config.aws !== undefined) return config.aws;
  throw new HoldfastError('CONFIG_INVALID', `${config.file} has no \`aws\``, {
    hint: 'Recovery points are made by AWS Backup, by the stack of a configuration with `aws.recoveryPoints`.',
  });
}
