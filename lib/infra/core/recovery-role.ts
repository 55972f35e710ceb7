// The role by which people restore: those of the account who may assume it, with a second factor, read everything, start backups, and say
// what they do about incidents.
import { Aws, Duration } from 'aws-cdk-lib';
import { AccountPrincipal, ManagedPolicy, Role } from 'aws-cdk-lib/aws-iam';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { globalName, type StackPlace } from '../../names/aws.ts';
import { putStore, readStore, seeReleases, trust, type StoreAccess } from './permissions.ts';
import type { SigningKeys } from './signing-keys.ts';
import {
  BACKUPS_PREFIX,
  INCIDENTS_PREFIX,
  MARKER_KEY,
  README_KEY,
  RECORDS_PREFIX,
  REPORTS_PREFIX,
} from '../../format/layout.ts';

export interface RecoveryRoleProps extends StackPlace {
  readonly store: StoreAccess;
  readonly keys: SigningKeys;
  /** Starting backups. */
  readonly triggers: readonly PolicyStatement[];
  /** Whether there are incidents to act on. */
  readonly escalates: boolean;
}

const PREFIXES = [BACKUPS_PREFIX, RECORDS_PREFIX, INCIDENTS_PREFIX, REPORTS_PREFIX];

/** What people write about incidents, by the names of the events. They sign it with keys of their own, which `trust` names. */
const BY_PEOPLE = ['opened', 'acknowledged', 'noted', 'resolved'];

/** A restore may take a night. */
const SESSION = Duration.hours(12);

/** Reading all backups with what vouches for them: what listing, verifying, restoring and `holdfast status` take. */
export function readEverything(store: StoreAccess, keys: SigningKeys): PolicyStatement[] {
  return [
    ...readStore(store, [MARKER_KEY, README_KEY, ...PREFIXES.map((prefix) => `${prefix}*`)], ['']),
    ...seeReleases(store),
    ...trust(keys.all),
  ];
}

/** `holdfast-my-site-eu-central-1-recovery` */
export class RecoveryRole extends Construct {
  readonly role: Role;
  readonly policy: ManagedPolicy;

  constructor(scope: Construct, id: string, props: RecoveryRoleProps) {
    super(scope, id);
    const { system, region, store, keys, triggers, escalates } = props;
    const events = BY_PEOPLE.map((event) => `${INCIDENTS_PREFIX}*-${event}.json`);
    const name = globalName({ system, region }, 'recovery');
    this.policy = new ManagedPolicy(this, 'Policy', {
      managedPolicyName: name,
      description: `Reading all backups of ${system} and starting new ones, for people`,
      statements: [
        ...readEverything(store, keys),
        ...triggers,
        // The bucket lets nobody overwrite anything.
        ...(escalates ? putStore(store, events) : []),
      ],
    });
    this.role = new Role(this, 'Role', {
      roleName: name,
      description: `People restore ${system} by it; it asks for a second factor`,
      // Who of the account may assume it is said by their own policies.
      assumedBy: new AccountPrincipal(Aws.ACCOUNT_ID).withConditions({
        Bool: { 'aws:MultiFactorAuthPresent': 'true' },
      }),
      managedPolicies: [this.policy],
      maxSessionDuration: SESSION,
    });
  }
}
