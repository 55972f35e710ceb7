// What the documents promise by linking to it: files that exist, headings that are there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const DOCUMENTS = ['.', 'docs', 'docs/decisions', 'examples/automatron-website'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);

/** The anchors of a document's headings, as the platforms that show it make them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

test.each(DOCUMENTS)('every link of %s leads somewhere', (document) => {
  const text = readFileSync(join(ROOT, document), 'utf8')
    .replace(/^```[\s\S]*?^```/gm, '')
    .replace(/`[^`\n]*`/g, 'code');
  const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^(https?|mailto):/.test(link))
    .filter((link) => {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? join(ROOT, document) : join(ROOT, dirname(document), file);
      if (!existsSync(target)) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor);
    });
  expect(broken).toEqual([]);
});

const WIDEST_LINE = 120;

/** The text that can be broken: no code, no table, and no line that is a link alone. */
function proseOf(text: string): string[] {
  return text
    .replace(/^( *)```[\s\S]*?^\1```$/gm, '')
    .split('\n')
    .filter((line) => !/^ *(\||(- )?<?https?:\S+$)/.test(line));
}

test.each(DOCUMENTS)('no line of %s is too long to read', (document) => {
  const lines = proseOf(readFileSync(join(ROOT, document), 'utf8'));
  expect(lines.filter((line) => line.length > WIDEST_LINE)).toEqual([]);
});

/** Words for which ours is another (docs/design.md#words), and phrases that say nothing. */
const NOT_OURS = [
  'restore points?',
  '(?<!AWS )backup jobs?',
  'backup sets?',
  'purged?',
  'utili[sz]e',
  'in order to',
  'please note',
];

test.each(DOCUMENTS)('%s says things in our words', (document) => {
  const text = readFileSync(join(ROOT, document), 'utf8');
  expect(text.match(new RegExp(`\\b(?:${NOT_OURS.join('|')})\\b`, 'gi')) ?? []).toEqual([]);
});

test.each(DOCUMENTS)('%s installs the packed file before it calls npx', (document) => {
  const text = readFileSync(join(ROOT, document), 'utf8');
  // Without it, npx asks a registry for a package of this name, which is not ours there.
  const sections = text.split(/^## /m).map((section) => {
    const blocks = [...section.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].map(([, block]) => block);
    return blocks.join('');
  });
  const calls = sections.filter((section) => /^npx holdfast /m.test(section));
  for (const section of calls) {
    expect(section.slice(0, section.search(/^npx holdfast /m))).toMatch(
      /npm install --save-dev \S*holdfast-\d\S*\.tgz/,
    );
  }
});

test('the words that spelling accepts besides English are in order, each once, in lower case', () => {
  const words = readFileSync(join(ROOT, 'cspell-words.txt'), 'utf8').trimEnd().split('\n');
  expect(words).toEqual([...new Set(words.map((word) => word.toLowerCase()))].sort());
});
