// The keys by which the functions of a stack sign, and what each may vouch for. Pure.
import { resourceName, SIGNERS, signingAlias } from '../names/aws.ts';
import type { SignerName } from '../names/aws.ts';
import { isRemote } from './config.ts';
import type { Config } from './config.ts';

/** A key of the stack, and what its signatures count for. */
export interface StackKey {
  /** As in `trust`: `holdfast-my-site-verify`. */
  readonly name: string;
  /** In the account and the region of the stack. */
  readonly alias: string;
  readonly prefixes: readonly string[];
}

/** Every key of the stack; none without one. */
export function stackKeys({ system, sources, aws }: Config): StackKey[] {
  if (aws === undefined) return [];
  const backups = sources.filter(isRemote).map(({ name }) => `backups/${name}/`);
  return (Object.keys(SIGNERS) as SignerName[]).map((signer) => ({
    name: resourceName(system, signer),
    alias: signingAlias(system, signer),
    prefixes: [...(signer === 'backup' ? backups : []), ...SIGNERS[signer]],
  }));
}

/** Those of {@link stackKeys} that `trust` does not name with all that they vouch for. */
export function unnamedStackKeys(config: Config): StackKey[] {
  return stackKeys(config).filter(
    ({ name, prefixes }) =>
      !config.trust.some(
        (one) =>
          one.name === name &&
          prefixes.every((prefix) => one.prefixes.some((own) => prefix.startsWith(own))),
      ),
  );
}
