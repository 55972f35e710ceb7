// The table of needs in docs/testing.md: written by `npm run docs`, compared by `npm run check`.
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { needsOf } from './stated.ts';
import { isNeedName, NEEDS, partOf, type Need, type NeedName } from './table.ts';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENT = join(ROOT, 'docs/testing.md');
const TABLE =
  /(<!-- The table is made by `npm run docs` from test\/needs\/table\.ts\. -->\n\n)[^]*?(?=\n\n|$)/;

function foldersByNeed(): ReadonlyMap<NeedName, readonly string[]> {
  const found = new Map<NeedName, Set<string>>();
  for (const file of globSync('test/**/*.test.ts', { cwd: ROOT }).sort()) {
    for (const name of needsOf(join(ROOT, file))) {
      const folders = found.get(name) ?? new Set();
      found.set(name, folders.add(`\`${relative('.', dirname(file))}\``));
    }
  }
  return new Map([...found].map(([name, folders]) => [name, [...folders]]));
}

function howToInstall({ from }: Need): string {
  if ('debian' in from) return `\`apt-get install ${from.debian}\``;
  if ('npm' in from) return '`npm ci`';
  return from.how;
}

function rows(): string[] {
  const folders = foldersByNeed();
  return Object.keys(NEEDS)
    .filter(isNeedName)
    .map((name) => {
      const part = partOf(name);
      const used = folders.get(name)?.join(', ') ?? '–';
      return `| ${part.about} | ${used} | ${part.place} | ${howToInstall(part)} |`;
    });
}

const now = readFileSync(DOCUMENT, 'utf8');
if (!TABLE.test(now)) throw new Error('docs/testing.md has lost the place of the table of needs');
const table = ['| part | used in | looked for in | brought by |', '|---|---|---|---|', ...rows()];
const wanted = now.replace(TABLE, (_, before: string) => before + table.join('\n'));
if (wanted === now) process.stdout.write('docs/testing.md: up to date\n');
else if (process.argv.includes('--check')) {
  process.stdout.write('docs/testing.md: the table of needs has drifted; run npm run docs\n');
  process.exitCode = 1;
} else {
  writeFileSync(DOCUMENT, wanted);
  process.stdout.write('docs/testing.md: written\n');
}
