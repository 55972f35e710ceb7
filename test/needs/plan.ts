// What has to be fetched and made before tests can begin. Decides only.
import { isNeedName, partOf, type Need, type NeedName } from './table.ts';

export interface Circumstances {
  readonly isRoot: boolean;
  /** In CI nothing is left out: what is missing is a failure. */
  readonly isCi: boolean;
  readonly hasApt: boolean;
  readonly isFound: (name: NeedName) => boolean;
}

export interface Plan {
  /** Packages of Debian, sorted. */
  readonly packages: readonly string[];
  /** In the order in which they are made. */
  readonly made: readonly NeedName[];
  /** Why the tests cannot begin, in full lines; empty when they can. */
  readonly refusal: readonly string[];
}

/** The plan for tests that need `names`. What only root can make is left out for others: the tests that need it are not run there. */
export function planFor(names: Iterable<NeedName>, circumstances: Circumstances): Plan {
  const { isRoot, isCi, isFound } = circumstances;
  const missing = [...names].filter((name) => !isFound(name));
  const made = missing.filter((name) => isMade(name) && (isRoot || isCi || !rootOnly(name)));
  const helpers = made.flatMap(helpersOf).filter((name) => !isFound(name));
  const all = [...missing, ...helpers];
  const packages = [...new Set(all.flatMap((name) => packageOf(partOf(name))))].sort();
  const refusal = [
    ...refusalOfNpm(missing),
    ...refusalOfRoot(made, isRoot),
    ...refusalOfDebian(packages, circumstances),
  ];
  return { packages, made, refusal };
}

const isMade = (name: NeedName) => 'make' in partOf(name).from;

function rootOnly(name: NeedName): boolean {
  const { from } = partOf(name);
  return 'make' in from && from.rootOnly;
}

function helpersOf(name: NeedName): NeedName[] {
  const { from } = partOf(name);
  return 'make' in from ? from.with.filter(isNeedName) : [];
}

function packageOf({ from }: Need): string[] {
  return 'debian' in from ? [from.debian] : [];
}

function refusalOfNpm(missing: readonly NeedName[]): string[] {
  return missing.flatMap((name) => {
    const { from } = partOf(name);
    return 'npm' in from ? [`${from.npm} is not in node_modules: run npm ci`] : [];
  });
}

function refusalOfRoot(made: readonly NeedName[], isRoot: boolean): string[] {
  if (isRoot) return [];
  return made
    .filter(rootOnly)
    .map((name) => `only root can make ${name}, and in CI no test is left out: run this as root`);
}

function refusalOfDebian(packages: readonly string[], { isRoot, hasApt }: Circumstances): string[] {
  if (packages.length === 0 || (isRoot && hasApt)) return [];
  const list = packages.join(' ');
  if (!hasApt) {
    return [`these tests need programs that this machine lacks; Debian has them in: ${list}`];
  }
  return [
    'these tests need packages that only root can install. As root, run this once:',
    `  apt-get update && apt-get install --no-install-recommends --yes ${list}`,
  ];
}
