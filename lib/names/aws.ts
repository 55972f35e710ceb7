// What things are called on AWS: the stack gives these names, and the functions, the command line and the documents use them. Pure.

/** The functions of a stack. */
export const FUNCTIONS = [
  'backup',
  'verify',
  'restore-test',
  'freshness',
  'prune',
  'alert',
] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** Those that write signed files, each with a key of its own, and what that key may vouch for besides `backups/<source>/`. */
export const SIGNERS = {
  backup: ['records/backup/'],
  verify: ['records/verify/'],
  'restore-test': ['records/restore-test/'],
  prune: ['records/prune/'],
} as const satisfies Partial<Record<FunctionName, readonly string[]>>;
export type SignerName = keyof typeof SIGNERS;

/** Namespace of every metric; dimensions are `System`, and `Source` where it concerns one. */
export const METRICS = 'Holdfast';

/** The tag by which `prune` lets go of an object, for the lifecycle of the bucket to delete. */
export const RELEASED_TAG = { key: 'holdfast:released', value: 'true' } as const;

/** `source` and `detail-type` of the event by which any pipeline reports a deployment; its detail is `{ system, deployment? }`. */
export const DEPLOYMENT_EVENT = {
  source: 'holdfast.deployment',
  detailType: 'Deployment',
} as const;

/** Names of functions and roles have 64 characters at most, and this is how much of them is ours. */
export const MAX_SYSTEM_LENGTH = 40;

/** `holdfast-my-site-backup`: functions, their log groups, roles, alarms. */
export function resourceName(system: string, what: string): string {
  return `holdfast-${system}-${what}`;
}

/** The alias of the key by which a function signs. */
export function signingAlias(system: string, signer: SignerName): string {
  return `alias/${resourceName(system, signer)}`;
}

/** The alias of the key by which the store is encrypted. */
export function storeAlias(system: string): string {
  return `alias/${resourceName(system, 'store')}`;
}
