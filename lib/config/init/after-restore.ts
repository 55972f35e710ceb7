// The commands that make a restored site whole, by what the site itself has: its package manager, its lock files, its scripts. Pure.
import { has, objectAt, recordOf, textAt, type LookedAt } from './looked-at.ts';

type Manager = 'npm' | 'pnpm' | 'yarn' | 'bun';

// Where several are there, that of the most particular tool: `npm install` is quickly typed in a site of another manager.
const LOCKS: readonly (readonly [Manager, readonly string[]])[] = [
  ['pnpm', ['pnpm-lock.yaml']],
  ['bun', ['bun.lock', 'bun.lockb']],
  ['yarn', ['yarn.lock']],
  ['npm', ['package-lock.json', 'npm-shrinkwrap.json']],
];

/** Commands for the top of the site; none that needs what the site does not have. */
export function afterRestoreOf(looked: LookedAt): string[] {
  return [
    ...composer(looked),
    ...ruby(looked),
    ...python(looked),
    ...javascript(looked),
    ...sites(looked),
  ];
}

function javascript(looked: LookedAt): string[] {
  if (!has(looked, '', 'package.json')) return [];
  const { packageManager, scripts, dependencies, devDependencies, workspaces } = objectAt(
    looked,
    '',
    'package.json',
  );
  const [, named, major] = /^(npm|pnpm|yarn|bun)@(\d+)/.exec(String(packageManager)) ?? [];
  const locks = LOCKS.filter(([, files]) => files.some((file) => has(looked, '', file)));
  const manager = (named as Manager | undefined) ?? locks[0]?.[0] ?? 'npm';
  const isLocked = locks.some(([one]) => one === manager);
  const needsAny = [dependencies, devDependencies].some(
    (list) => Object.keys(recordOf(list)).length > 0,
  );
  const installs = isLocked || needsAny || workspaces !== undefined;
  const isBerry =
    manager === 'yarn' &&
    (Number(major ?? '1') > 1 || textAt(looked, '', '.yarnrc.yml') !== undefined);
  return [
    ...(installs ? [installOf(manager, isLocked, isBerry)] : []),
    ...(Object.hasOwn(recordOf(scripts), 'build') ? [`${manager} run build`] : []),
  ];
}

function installOf(manager: Manager, isLocked: boolean, isBerry: boolean): string {
  if (!isLocked) return `${manager} install`;
  if (manager === 'npm') return 'npm ci';
  return `${manager} install ${isBerry ? '--immutable' : '--frozen-lockfile'}`;
}

function composer(looked: LookedAt): string[] {
  return has(looked, '', 'composer.json') ? ['composer install'] : [];
}

function ruby(looked: LookedAt): string[] {
  return has(looked, '', 'Gemfile') ? ['bundle install'] : [];
}

function python(looked: LookedAt): string[] {
  if (has(looked, '', 'uv.lock')) return ['uv sync --frozen'];
  if (has(looked, '', 'poetry.lock')) return ['poetry install'];
  if (has(looked, '', 'Pipfile.lock')) return ['pipenv sync'];
  if (!has(looked, '', 'requirements.txt')) return [];
  return ['python3 -m venv .venv', '.venv/bin/pip install -r requirements.txt'];
}

/** Generators that are programs of their own. */
function sites(looked: LookedAt): string[] {
  if (has(looked, '', 'hugo.*')) return ['hugo'];
  return has(looked, '', '_config.yml') && has(looked, '', 'Gemfile')
    ? ['bundle exec jekyll build']
    : [];
}
