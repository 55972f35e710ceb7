// What is left out is not opened: a folder that nobody asked for costs nothing, however much it holds.
import fs from 'node:fs';

import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

import { walkFiles, type FilesOptions } from '../../../lib/sources/files/source.ts';
import { findHazardsAmong } from '../../../lib/sources/tree/hazards.ts';
import { plant, Scratch } from '../../support/archives.ts';

let scratch: Scratch;
let site: string;
beforeEach(() => {
  scratch = new Scratch();
  site = scratch.at('site');
  plant(site, {
    'page.md': 'x',
    'src/a.ts': 'x',
    'node_modules/a/index.js': 'x',
    'src/node_modules/b/index.js': 'x',
    '.gitignore': 'node_modules\n',
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  scratch[Symbol.dispose]();
});

/** The folders that are listed meanwhile, relative to the site. */
function opened(act: () => void): string[] {
  const listed = jest.spyOn(fs, 'readdirSync');
  act();
  return listed.mock.calls.map(([folder]) => String(folder).slice(site.length + 1));
}

const OPTIONS: FilesOptions = {
  name: 'site',
  path: '',
  include: ['**'],
  exclude: [],
  gitignore: false,
  secrets: 'exclude',
  oneFileSystem: false,
  tolerate: [],
  allowEmpty: false,
  times: 'recorded',
  compression: 'default',
};

test.each<[string, Partial<FilesOptions>, string[]]>([
  ['an exclude', { exclude: ['node_modules'] }, ['', 'src/']],
  ['a rule of .gitignore', { gitignore: true }, ['', 'src/']],
  ['an include that does not lead there', { include: ['src/*.ts'] }, ['', 'src/']],
])('a folder that %s leaves out is not opened', (_, options, expected) => {
  const folders = opened(() => {
    const surroundings = { leaveOut: [], git: { environment: {} } };
    const walked = [
      ...walkFiles({ ...OPTIONS, path: site, ...options }, surroundings, () => undefined),
    ];
    expect(walked.length).toBeGreaterThan(0);
  });
  expect(folders).toEqual(expected);
});

test('hazards among single entries are found without looking at others', () => {
  fs.chmodSync(`${site}/src/a.ts`, 0o666);
  fs.chmodSync(`${site}/node_modules/a/index.js`, 0o666);
  const folders = opened(() => {
    expect(findHazardsAmong(site, ['page.md', 'src/', 'src/a.ts', 'gone'])).toEqual([
      {
        path: 'src/a.ts',
        hazard: 'world-writable',
        detail: 'anybody on this machine can change it',
      },
    ]);
  });
  expect(folders).toEqual([]);
});
