// Brings what tests need to this machine, once, and tells what it does meanwhile.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import process from 'node:process';
import { CACHE, runProgram, say } from './cache.ts';
import { underLock } from './lock.ts';
import { planFor, type Plan } from './plan.ts';
import { partOf, type NeedName } from './table.ts';

/** Makes sure that all of `names` is here. Returns why it cannot be, in full lines; nothing when it is. */
export async function provide(names: ReadonlySet<NeedName>): Promise<readonly string[]> {
  const { refusal, ...plan } = currentPlan(names);
  if (refusal.length > 0 || isNothing(plan)) return refusal;
  await mkdir(CACHE, { recursive: true });
  // Whoever had the lock before may have brought the same.
  return underLock(CACHE, async () => carryOut(currentPlan(names)));
}

function currentPlan(names: ReadonlySet<NeedName>): Plan {
  return planFor(names, {
    isRoot: process.getuid?.() === 0,
    isCi: process.env['CI'] !== undefined,
    hasApt: existsSync('/usr/bin/apt-get'),
    isFound: (name) => partOf(name).find() !== undefined,
  });
}

const isNothing = ({ packages, made }: Omit<Plan, 'refusal'>) =>
  packages.length === 0 && made.length === 0;

async function carryOut({ packages, made, refusal }: Plan): Promise<readonly string[]> {
  if (refusal.length > 0) return refusal;
  if (packages.length > 0) await installPackages(packages);
  for (const name of made) {
    const { about, find, from } = partOf(name);
    if (!('make' in from)) continue;
    say(`\n=== ${about}: ${from.how}`);
    await from.make();
    if (find() === undefined) return [`${name} was made, and is not found`];
  }
  return [];
}

async function installPackages(packages: readonly string[]): Promise<void> {
  say(`\n=== apt-get install ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await runProgram('apt-get', ['update', '-q'], { env });
  const args = ['install', '-q', '--yes', '--no-install-recommends', ...packages];
  await runProgram('apt-get', args, { env });
}
