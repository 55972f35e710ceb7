// The import rules of docs/architecture.md, run over the real sources.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from '@jest/globals';
import { cruise, type IConfiguration, type ICruiseResult } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const FOLDERS = ['bin', 'demo', 'lambda', 'lib'].filter((folder) => existsSync(join(ROOT, folder)));
const rules = createRequire(import.meta.url)('../.dependency-cruiser.cjs') as IConfiguration;

function modulesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`);
}

async function look(): Promise<ICruiseResult> {
  const { output } = await cruise(
    [...FOLDERS, 'build.ts'],
    { ...rules.options, baseDir: ROOT, ruleSet: rules, validate: true },
    undefined,
    { tsConfig: extractTSConfig(join(ROOT, 'tsconfig.json')) },
  );
  if (typeof output === 'string') throw new Error(`no result object: ${output.slice(0, 200)}`);
  return output;
}

test('every import follows docs/architecture.md', async () => {
  const { modules, summary } = await look();
  const violations = summary.violations.map(
    ({ rule, from, to }) => `${rule.name}: ${from} → ${to}`,
  );
  expect(violations).toEqual([]);
  // With a TypeScript that it cannot drive, the cruiser sees no module and is content.
  const seen = new Set(modules.map(({ source }) => source));
  const sources = FOLDERS.flatMap(modulesIn);
  expect(sources.length).toBeGreaterThan(100);
  expect(sources.filter((file) => !seen.has(file))).toEqual([]);
  // It saw types and dynamic imports too, or the rules would hold for less than they say.
  const importsOf = (file: string) =>
    modules.find(({ source }) => source === file)?.dependencies.map(({ resolved }) => resolved);
  expect(importsOf('lib/engine/engine.ts')).toContain('lib/archive/threads/pool.ts');
  expect(importsOf('lib/cli/definitions/backup.ts')).toContain('lib/cli/commands/backup.ts');
});

test('no folder of lib holds more than 30 files side by side', () => {
  const entries = readdirSync(join(ROOT, 'lib'), { recursive: true, withFileTypes: true });
  const folders = entries.filter((entry) => entry.isFile()).map(({ parentPath }) => parentPath);
  const crowded = [...new Set(folders)].filter(
    (folder) => folders.filter((one) => one === folder).length > 30,
  );
  expect(crowded).toEqual([]);
});

/** The modules that CONTRIBUTING.md names where it says how to add `what`. */
function listedFor(what: string): Set<string> {
  const guide = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  const [, steps = ''] = new RegExp(`- \\*\\*${what}:\\*\\*([^]*?)\n- \\*\\*`).exec(guide) ?? [];
  return new Set(steps.match(/lib\/[\w/-]+\.ts/g));
}

test.each(['github', 'parameters'])(
  'the kind %s is named in its folder and in the places that CONTRIBUTING.md lists, and nowhere else',
  (kind) => {
    const listed = listedFor('a kind of source');
    const names = new RegExp(`'${kind}'|^ *(?:readonly )?${kind}:`, 'm');
    const naming = modulesIn('lib')
      .filter((file) => !file.startsWith(`lib/sources/${kind}/`))
      .filter((file) => names.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(naming).not.toEqual([]);
    expect(naming.filter((file) => !listed.has(file))).toEqual([]);
  },
);

test('buckets as stores are known in the places that CONTRIBUTING.md lists, by what a stack has on AWS, and nowhere else', () => {
  const listed = listedFor('a store');
  const names = /\bs3PlaceOf\b|\/s3-place\.ts'|\/stores\/s3\/|\/store-place\.ts'[^]*'s3'/;
  const naming = modulesIn('lib')
    .filter((file) => !/^lib\/(stores\/s3|config\/rules|functions|infra)\//.test(file))
    .filter((file) => names.test(readFileSync(join(ROOT, file), 'utf8')));
  expect(naming).toContain('lib/stores/open.ts');
  expect(naming.filter((file) => !listed.has(file))).toEqual([]);
});
