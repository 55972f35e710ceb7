// `npm run picture`: runs `npm start` on this checkout, and draws for README what it printed.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { pictureOf } from '../demo/picture.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
/** The sections that fit on README's first screen: what they show, no other tool of this kind shows. */
const SHOWN = [/^4\. /, /^7\. /, /^All of it held/];

const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/demo.ts'], {
  cwd: root,
  env: { ...process.env, FORCE_COLOR: '1' },
  encoding: 'utf8',
});
if (status !== 0) throw new Error(`\`npm start\` failed:\n${stderr}`);

const sections = stdout.split('\n\n').map((section) => section.trimEnd().split('\n'));
const shown = SHOWN.map((title) => {
  const section = sections.find(([first = '']) => title.test(stripVTControlCharacters(first)));
  if (section === undefined) throw new Error(`\`npm start\` has no section ${title.source}`);
  return section;
});
const lines = ['$ npm ci && npm start', ...shown.flatMap((section) => ['…', ...section])];
writeFileSync(`${root}docs/npm-start.svg`, pictureOf(lines, 'What npm start prints'));
