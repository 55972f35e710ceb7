// One key per function that signs, so that none can vouch for the work of another.
import { Construct } from 'constructs';
import type { Config } from '../../config/config.ts';
import type { NamedKey } from '../../config/load/function-settings.ts';
import { stackKeys, tasksOf } from '../../config/load/stack-keys.ts';
import { globalName, signingAlias, taskRoleName } from '../../names/aws.ts';
import type { SignerName, StackPlace } from '../../names/aws.ts';
import { roleArn } from './deployers.ts';
import { RetainedKey } from './retained-key.ts';

export interface SigningKeysProps {
  readonly place: StackPlace;
  readonly config: Config;
  /** Finds the keys by their aliases instead of making them. */
  readonly adopt: boolean;
  /** ARNs, or patterns of them, of the roles that may change the keys. */
  readonly deployers: readonly string[];
}

/** The role of the function, and that of the task which does its work for some sources. */
function rolesOf(signer: SignerName, place: StackPlace, config: Config): string[] {
  const tasks = tasksOf(config).filter((name) => name === signer);
  return [globalName(place, signer), ...tasks.map((name) => taskRoleName(place, name))];
}

/** A P-256 key for each function that writes signed files. */
export class SigningKeys extends Construct {
  /** All of them, in the form that functions get. */
  readonly trusted: readonly NamedKey[];
  private readonly system: string;
  private readonly keys: ReadonlyMap<string, RetainedKey>;

  constructor(scope: Construct, id: string, props: SigningKeysProps) {
    super(scope, id);
    const { place, config, adopt, deployers } = props;
    this.system = config.system;
    const made = stackKeys(config).map(({ name, signer, alias }) => {
      const key = new RetainedKey(this, alias.slice('alias/'.length), {
        alias,
        description: `Signs what ${name} writes`,
        use: 'sign',
        adopt,
        deployers,
        signers: rolesOf(signer, place, config).map(roleArn),
      });
      return { name, alias, key };
    });
    this.keys = new Map(made.map(({ alias, key }) => [alias, key]));
    this.trusted = made.map(({ name, key }) => ({ name, arn: key.arn }));
  }

  get all(): RetainedKey[] {
    return [...this.keys.values()];
  }

  of(signer: SignerName): RetainedKey {
    const key = this.keys.get(signingAlias(this.system, signer));
    if (key === undefined) throw new TypeError(`no key for ${signer}`);
    return key;
  }
}
