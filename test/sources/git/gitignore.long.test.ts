// What is taken with `gitignore: true` is what git tracks or would add: decided by git itself over random trees and rules.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import process from 'node:process';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { Problem } from '../../../lib/errors.ts';
import { walkFiles } from '../../../lib/sources/files/source.ts';
import { Scratch } from '../../support/archives.ts';

const scratch = new Scratch();
const root = scratch.at('tree');
const environment = { PATH: process.env['PATH'] ?? '', HOME: scratch.at('home') };

beforeAll(() => {
  fs.mkdirSync(environment.HOME);
  fs.mkdirSync(root);
  git('init', '-q');
});
afterAll(() => scratch[Symbol.dispose]());

/** Output as a byte string. */
function git(...args: readonly string[]): string {
  const env = { ...environment, GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' };
  return execFileSync('git', ['-C', root, ...args], { env, encoding: 'latin1', stdio: 'pipe' });
}

const at = (path: string) => Buffer.from(`${root}/${path}`, 'latin1');
const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

/** The files that a backup takes, as byte strings. */
function taken(folder = root, problems?: Problem[]): string[] {
  const options = {
    name: 'site',
    path: folder,
    include: ['**'],
    exclude: ['.git'],
    gitignore: true,
    secrets: 'include',
    oneFileSystem: false,
    tolerate: [],
    allowEmpty: true,
    times: 'content',
    compression: 'default',
  } as const;
  const told: Problem[] = [];
  const entries = walkFiles(options, { leaveOut: [], git: { environment } }, (one) =>
    told.push(one),
  );
  const files = [...entries].flatMap(({ path, type }) => (type === 'directory' ? [] : [path]));
  if (problems === undefined) expect(told).toEqual([]);
  problems?.push(...told);
  return files.sort();
}

/** What git tracks and has here, and what it would add. */
function known(): string[] {
  const listed = git('ls-files', '-z', '--cached', '--others', '--exclude-standard');
  return [...new Set(listed.split('\0'))].filter((path) => path !== '').sort();
}

interface Tree {
  readonly files: readonly string[];
  /** By the folder that holds them; `.git/info/` for what is in no `.gitignore`. */
  readonly rules: readonly (readonly [folder: string, text: string])[];
  readonly tracked: readonly string[];
}

function plant({ files, rules, tracked }: Tree): void {
  for (const name of fs.readdirSync(root, 'buffer')) {
    if (name.toString() !== '.git') {
      fs.rmSync(at(name.toString('latin1')), { recursive: true });
    }
  }
  fs.rmSync(`${root}/.git/index`, { force: true });
  fs.writeFileSync(`${root}/.git/info/exclude`, '');
  for (const path of files) {
    fs.mkdirSync(at(path.slice(0, path.lastIndexOf('/') + 1)), { recursive: true });
    fs.writeFileSync(at(path), 'x');
  }
  if (tracked.length > 0) {
    const env = { ...environment, GIT_LITERAL_PATHSPECS: '1' };
    const input = Buffer.from(tracked.join('\0'), 'latin1');
    const args = ['-C', root, 'add', '-f', '--pathspec-from-file=-', '--pathspec-file-nul'];
    execFileSync('git', args, { env, input, stdio: 'pipe' });
  }
  for (const [folder, text] of rules) {
    fs.mkdirSync(at(folder), { recursive: true });
    const name = folder === '.git/info/' ? 'exclude' : '.gitignore';
    fs.writeFileSync(at(folder + name), Buffer.from(text, 'latin1'));
  }
}

// Few names that patterns hit often, and those that are odd.
const NAMES = [
  'a', 'b', 'ab', 'build', 'Build', 'foo.txt', 'foo bar', 'a.log', 'dir', 'foobar', 'z', 'x.TXT', '-', '^',
  '#x', '!y', 'trailing ', '[z]', ']z', 'ü', 'é', 'x\\y', 'tab\t', 'new\nline', '*', '?', '...', '日本語', '~', '{a,b}',
].map(latin1).concat(['\xff\xfe', 'caf\xe9']); // prettier-ignore

const PARTS = [
  'a', 'b', 'build', 'BUILD', '*', '**', '?', '??', 'foo*', '*.txt', '*.log', '*.TXT', '[ab]', '[!a]', '[^a]', '\\#x', '#x', '\\!y', '!y',
  'trailing\\ ', 'trailing ', 'ab', '[[]z[]]', '[]z', '[]]z', 'z', 'ü', '?ü', 'é*', 'x\\\\y', 'dir', 'foo bar', '[[:alpha:]]', '[[:upper:]]*',
  '[[:nope:]]', '[[:punct:]]', '[a-', '[a-z]', '[z-a]', '[A-C]*', '[b-]', '[a-\\z]', '{a,b}', 'a*b', '**foo', 'foo**', '\\a', '\\A', '***',
  '?*', '*?', 'tab\t', '日*', '.', '..', '...', '\\', 'a\\', '[é]', '[^é]', '[/]', 'a[/]b', '*a*b*', 'fo?bar', '.gitignore', '\\/',
].map(latin1).concat(['\xff*', 'caf\xe9', 'caf?']); // prettier-ignore

const name = fc.constantFrom(...NAMES);
const rawPart = fc
  .array(fc.constantFrom(...Array.from('ab*?[]!^-\\:.xA \t\xc3\xbc')), {
    minLength: 1,
    maxLength: 6,
  })
  .map((chars) => chars.join(''));
const part = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...PARTS) },
  { weight: 1, arbitrary: rawPart },
);
const end = fc.oneof(
  { weight: 8, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constantFrom(' ', '  ', '\t', '\\ ', '\\', ' \\ ', '\0x') },
);
const line = fc
  .tuple(
    fc.oneof(
      { weight: 2, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: fc.constantFrom('!', '!', '# ', '!!') },
    ),
    fc.constantFrom('', '', '', '/'),
    fc.oneof(
      { weight: 3, arbitrary: part.map((one) => [one]) },
      { weight: 2, arbitrary: fc.array(part, { minLength: 2, maxLength: 3 }) },
    ),
    fc.constantFrom('', '', '', '/'),
    end,
  )
  .map(
    ([before, slash, parts, closing, rest]) => before + slash + parts.join('/') + closing + rest,
  );
const text = fc
  .tuple(
    fc.array(line, { minLength: 1, maxLength: 7 }),
    fc.constantFrom('\n', '\n', '\r\n'),
    fc.boolean(),
    fc.integer({ min: 0, max: 9 }),
  )
  .map(
    ([lines, eol, ended, mark]) =>
      (mark === 0 ? '\xef\xbb\xbf' : '') + lines.join(eol) + (ended ? eol : ''),
  );

const tree: fc.Arbitrary<Tree> = fc
  .uniqueArray(
    fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
    { minLength: 5, maxLength: 45 },
  )
  // A path that is also the folder of another cannot be a file.
  .map((paths) => paths.filter((one) => !paths.some((other) => other.startsWith(`${one}/`))))
  .chain((files) => {
    const folders = [
      ...new Set(
        files.flatMap((path) =>
          [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index + 1)),
        ),
      ),
    ];
    return fc.record({
      files: fc.constant(files),
      rules: fc.tuple(
        fc.tuple(fc.constant(''), text),
        fc.tuple(
          fc.constant('.git/info/'),
          fc.oneof({ weight: 2, arbitrary: fc.constant('') }, { weight: 1, arbitrary: text }),
        ),
        ...(folders.length === 0
          ? []
          : [
              fc.tuple(fc.constantFrom(...folders), text),
              fc.tuple(fc.constantFrom(...folders), text),
            ]),
      ),
      tracked: fc.oneof(
        fc.constant([]),
        fc.subarray(files, { maxLength: Math.min(4, files.length) }),
      ),
    });
  });

const LONG = process.env['HOLDFAST_SWEEPS'] === '1';

describe('with `gitignore: true` a backup takes', () => {
  test('what git tracks or would add', () => {
    git('config', 'core.ignoreCase', 'false');
    const decided = fc.property(tree, (one) => {
      plant(one);
      expect(taken()).toEqual(known());
    });
    fc.assert(decided, { numRuns: LONG ? 2000 : 120 });
  }, 3_600_000);

  test('the same where a source is a folder of the working tree', () => {
    const decided = fc.property(tree, fc.nat(), (one, chosen) => {
      plant(one);
      // Folders that git has something in; in one that is ignored itself no rule from above holds. Paths of sources are text.
      const folders = known().flatMap((path) =>
        [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index)),
      );
      const texts = folders.filter((path) => /^[\x20-\x7e/]*$/.test(path));
      const folder = texts[chosen % Math.max(1, texts.length)];
      fc.pre(folder !== undefined && one.tracked.length === 0);
      const below = known().filter((path) => path.startsWith(`${folder}/`));
      expect(taken(`${root}/${folder}`)).toEqual(
        below.map((path) => path.slice(folder.length + 1)),
      );
    });
    fc.assert(decided, { numRuns: LONG ? 500 : 30 });
  }, 3_600_000);

  test('the same where git knows no case', () => {
    git('config', 'core.ignoreCase', 'true');
    // Git takes two paths that differ by case alone for one then, as such a file system does.
    const decided = fc.property(tree, (one) => {
      plant({ ...one, tracked: [] });
      expect(taken()).toEqual(known());
    });
    fc.assert(decided, { numRuns: LONG ? 500 : 30 });
    git('config', 'core.ignoreCase', 'false');
  }, 3_600_000);

  test.each(['2', '3', '4'])(
    'what git tracks in an index of version %s, though a rule names it',
    (version) => {
      const files = [
        'dist/keep.js',
        'dist/other.js',
        'dist/deep/er/kept',
        'a.log',
        'b.log',
        'intended',
      ];
      const rules = [['', 'dist/\n*.log\n']] as const;
      plant({ files, rules, tracked: ['dist/keep.js', 'dist/deep/er/kept', 'a.log'] });
      git('add', '-f', '--intent-to-add', 'intended');
      git('update-index', '--index-version', version);
      expect(taken()).toEqual([
        '.gitignore',
        'a.log',
        'dist/deep/er/kept',
        'dist/keep.js',
        'intended',
      ]);
      expect(taken()).toEqual(known());
    },
  );

  test('what a repository inside decides by its own rules', () => {
    plant({
      files: ['inner/a.css', 'inner/b.log', 'outer.css'],
      rules: [
        ['', '*.css\n'],
        ['inner/', '*.log\n'],
      ],
      tracked: [],
    });
    expect(taken()).toEqual(
      ['.gitignore', 'inner/.gitignore', 'inner/b.log'].filter((path) => path !== 'inner/b.log'),
    );
    execFileSync('git', ['init', '-q', `${root}/inner`], { env: environment });
    fs.writeFileSync(`${root}/inner/.git/info/exclude`, 'private\n');
    fs.writeFileSync(`${root}/inner/private`, 'x');
    expect(taken()).toEqual(['.gitignore', 'inner/.gitignore', 'inner/a.css']);
  });

  test('by an index that refers to another less, and says so', () => {
    plant({ files: ['dist/keep.js', 'page'], rules: [['', 'dist/\n']], tracked: ['dist/keep.js'] });
    git('update-index', '--split-index');
    const problems: Problem[] = [];
    expect(taken(root, problems)).toEqual(['.gitignore', 'page']);
    expect(problems).toEqual([
      expect.objectContaining({ code: 'git-unreadable', tolerated: true }),
    ]);
    git('update-index', '--no-split-index');
  });
});
