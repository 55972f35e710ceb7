// One key per function that signs, so that none can vouch for the work of another.
import { Construct } from 'constructs';
import type { TrustedKmsKey } from '../config/function-settings.ts';
import { SIGNERS, resourceName, signingAlias } from '../names/aws.ts';
import type { SignerName } from '../names/aws.ts';
import { roleArn } from './deployers.ts';
import { RetainedKey } from './retained-key.ts';

export interface SigningKeysProps {
  readonly system: string;
  /** The sources that the function `backup` backs up, and whose backups its key may thus vouch for. */
  readonly sources: readonly string[];
  /** Finds the keys by their aliases instead of making them. */
  readonly adopt: boolean;
  /** ARNs, or patterns of them, of the roles that may change the keys. */
  readonly deployers: readonly string[];
}

const NAMES = Object.keys(SIGNERS) as SignerName[];

/** A P-256 key for each function that writes signed files. */
export class SigningKeys extends Construct {
  private readonly keys: ReadonlyMap<SignerName, RetainedKey>;
  private readonly props: SigningKeysProps;

  constructor(scope: Construct, id: string, props: SigningKeysProps) {
    super(scope, id);
    this.props = props;
    const { system, adopt, deployers } = props;
    this.keys = new Map(
      NAMES.map((name) => [
        name,
        new RetainedKey(this, name, {
          alias: signingAlias(system, name),
          description: `Signs what ${resourceName(system, name)} writes`,
          use: 'sign',
          adopt,
          deployers,
          signers: [roleArn(resourceName(system, name))],
        }),
      ]),
    );
  }

  /** All of them, with the keys of a store that each may vouch for. */
  get trusted(): TrustedKmsKey[] {
    return NAMES.map((name) => ({
      name,
      arn: this.of(name).arn,
      prefixes: [
        ...(name === 'backup' ? this.props.sources.map((source) => `backups/${source}/`) : []),
        ...SIGNERS[name],
      ],
    }));
  }

  get all(): RetainedKey[] {
    return [...this.keys.values()];
  }

  of(name: SignerName): RetainedKey {
    const key = this.keys.get(name);
    if (key === undefined) throw new TypeError(`no key for ${name}`);
    return key;
  }
}
