import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import picomatch from 'picomatch';
import { fromUtf8 } from '../../../lib/format/paths.ts';
import { createSelector } from '../../../lib/sources/tree/select.ts';
import type { FolderRules } from '../../../lib/sources/git/gitignore.ts';
import type { Scope, SelectorOptions } from '../../../lib/sources/tree/select.ts';

interface Tree {
  [name: string]: Tree | string;
}

/** A tree from paths such as `a/b` and, for an empty directory, `a/b/`. A text after `=` becomes the file's content. */
function treeOf(...paths: string[]): Tree {
  const root: Tree = {};
  for (const line of paths) {
    const [path = '', content = ''] = line.split('=');
    const parts = path.split('/');
    const file = parts.pop() ?? '';
    let folder = root;
    for (const part of parts) {
      const next = (folder[part] ??= {});
      if (typeof next === 'string') throw new Error(`${part} is a file and a folder`);
      folder = next;
    }
    if (file !== '') folder[file] = content;
  }
  return root;
}

/** What a walker makes of a selector: the entries, and the folders that it opened. */
function walk(options: SelectorOptions, tree: Tree): { entries: string[]; opened: string[] } {
  const selector = createSelector(options);
  const opened: string[] = [];
  const entries = visit(selector.open(gitignoreOf(tree)), tree, '');
  return { entries, opened };

  function visit(scope: Scope, folder: Tree, prefix: string): string[] {
    return Object.keys(folder).flatMap((name) => {
      const child = folder[name] ?? '';
      const path = prefix + name;
      const selection = scope.select(name, typeof child !== 'string');
      if (selection === 'skip') return [];
      if (typeof child === 'string') return [path];
      opened.push(path);
      const below = visit(scope.enter(name, gitignoreOf(child)), child, `${path}/`);
      return selection === 'take' || below.length > 0 ? [`${path}/`, ...below] : [];
    });
  }
}

function gitignoreOf(folder: Tree): FolderRules {
  const text = folder['.gitignore'];
  return typeof text === 'string' ? { gitignore: Buffer.from(text) } : {};
}

function entries(options: SelectorOptions, ...paths: string[]): string[] {
  return walk(options, treeOf(...paths)).entries;
}

describe('includes', () => {
  test('absent take everything, hidden and empty ones too', () => {
    expect(entries({}, '.git/HEAD', 'a', 'b/')).toEqual(['.git/', '.git/HEAD', 'a', 'b/']);
  });

  test('take a directory with all that it holds, by glob and by name', () => {
    const tree = ['content/a/b.md', 'content/c', 'other/content/x', 'z'];
    const expected = ['content/', 'content/a/', 'content/a/b.md', 'content/c'];
    for (const include of ['content', 'content/', './content', 'content/**']) {
      expect(entries({ include: [include] }, ...tree)).toEqual(expected);
    }
  });

  test.each(['.', './', '**'])('take everything for %j', (include) => {
    expect(entries({ include: [include] }, 'a', 'b/c')).toEqual(['a', 'b/', 'b/c']);
  });

  test('without a slash mean the entry at the root', () => {
    const tree = ['package.json', 'lib/package.json', 'x'];
    expect(entries({ include: ['package.json'] }, ...tree)).toEqual(['package.json']);
    expect(entries({ include: ['**/package.json'] }, ...tree)).toEqual([
      'package.json',
      'lib/',
      'lib/package.json',
    ]);
  });

  test('open only folders in which something can match, and keep none that held nothing', () => {
    const tree = treeOf(
      'public/img/a.png',
      'public/doc/b.pdf',
      'src/c.png',
      'node_modules/d/e.png',
    );
    const { entries, opened } = walk({ include: ['public/**/*.png'] }, tree);
    expect(entries).toEqual(['public/', 'public/img/', 'public/img/a.png']);
    expect(opened).toEqual(['public', 'public/img', 'public/doc']);
  });

  test('take routes of Next.js by the names that they have', () => {
    const tree = ['app/(shop)/[id]/page.tsx', 'app/shop/i/page.tsx', 'app/[...all]/page.tsx'];
    expect(entries({ include: ['app/(shop)/**'] }, ...tree)).toEqual([
      'app/',
      'app/(shop)/',
      'app/(shop)/[id]/',
      'app/(shop)/[id]/page.tsx',
    ]);
    expect(entries({ include: ['app/[...all]/page.tsx'] }, ...tree)).toEqual([
      'app/',
      'app/[...all]/',
      'app/[...all]/page.tsx',
    ]);
    expect(entries({ include: ['app/(shop)/[id]'] }, ...tree)).toContain(
      'app/(shop)/[id]/page.tsx',
    );
  });

  test('with a closing slash take directories alone', () => {
    expect(entries({ include: ['a*/'] }, 'a1', 'a2/b')).toEqual(['a2/', 'a2/b']);
  });

  test('name what must exist', () => {
    const include = ['content/', 'package.json', '**/*.md', '{a,b}', 'x[1]'];
    expect(createSelector({ include }).explicitPaths).toEqual(['content', 'package.json']);
  });
});

describe('excludes', () => {
  test('without a slash match at any depth, with one from the root', () => {
    const tree = ['dist/a', 'lib/dist/b', 'lib/c.log', 'd'];
    expect(entries({ exclude: ['dist', '*.log'] }, ...tree)).toEqual(['lib/', 'd']);
    expect(entries({ exclude: ['dist/**'] }, ...tree)).toEqual([
      'lib/',
      'lib/dist/',
      'lib/dist/b',
      'lib/c.log',
      'd',
    ]);
    expect(entries({ exclude: ['lib/dist/'] }, ...tree)).not.toContain('lib/dist/');
  });

  test('keep a directory from being opened', () => {
    const { opened } = walk({ exclude: ['node_modules'] }, treeOf('node_modules/a/b', 'c/d'));
    expect(opened).toEqual(['c']);
  });

  test('with a closing slash leave files of that name', () => {
    expect(entries({ exclude: ['cache/'] }, 'a/cache', 'b/cache/x')).toEqual([
      'a/',
      'a/cache',
      'b/',
    ]);
  });

  test('outweigh globs of the includes', () => {
    const options = { include: ['content/**'], exclude: ['*.tmp'] };
    expect(entries(options, 'content/a.tmp', 'content/b')).toEqual(['content/', 'content/b']);
  });

  test('never outweigh a path that is named explicitly', () => {
    const options = { include: ['lib', 'build/keep.log'], exclude: ['*.log', 'build'] };
    const tree = ['build/keep.log', 'build/other', 'lib/x.log', 'lib/y'];
    expect(entries(options, ...tree)).toEqual(['build/', 'build/keep.log', 'lib/', 'lib/y']);
  });

  test('hold inside a folder that is named explicitly, but for those that match the folder itself', () => {
    const options = { include: ['dist/site'], exclude: ['dist', 'dist/**', '*.map'] };
    const tree = ['dist/site/a.js', 'dist/site/a.js.map', 'dist/other/b.js', 'c'];
    expect(entries(options, ...tree)).toEqual(['dist/', 'dist/site/', 'dist/site/a.js']);
  });

  test('say which entry was named explicitly, for defaults that leave others out', () => {
    const scope = createSelector({ include: ['config/.env', 'config/**'] })
      .open()
      .enter('config');
    expect(scope.isExplicit('.env')).toBe(true);
    expect(scope.isExplicit('.env.local')).toBe(false);
  });
});

describe('names', () => {
  test('that are not UTF-8 are matched by wildcards and never taken for other text', () => {
    const tree = ['caf\xe9.log', 'caf\xe9.md', fromUtf8('caf\u00e9.md')];
    expect(entries({ include: ['**'] }, ...tree)).toEqual(tree);
    // The raw byte E9 is "é" in Latin-1 only; a pattern is Unicode.
    expect(entries({ include: ['caf\u00e9.md'] }, ...tree)).toEqual([fromUtf8('caf\u00e9.md')]);
    expect(entries({ exclude: ['*.log'] }, ...tree)).toEqual(tree.slice(1));
  });

  test('with newlines are below a double star', () => {
    expect(entries({ include: ['a/**/*.md'] }, 'a/x\ny/z.md')).toContain('a/x\ny/z.md');
    expect(entries({ exclude: ['a/**'] }, 'a/x\ny', 'b')).toEqual(['b']);
  });
});

describe('patterns', () => {
  test.each(['', '/', '/a', '~/a', '!a', '../x', 'a/../b', 'a//b', 'a/./b', 'a\ud800', 'a\0'])(
    'refuses %j',
    (pattern) => {
      expect(() => createSelector({ exclude: [pattern] })).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      );
    },
  );

  test('decide the same as each path tested alone', () => {
    const name = fc.constantFrom('a', 'b', 'ab', 'a.md', '.a');
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const part = fc.constantFrom(
      'a',
      'b',
      '*',
      '**',
      'a*',
      '*.md',
      '{a,b}',
      '?',
      '[ab]',
      '@(a|ab)',
      '{a/b,b}',
    );
    const pattern = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const patterns = fc.array(pattern, { maxLength: 3 });
    fc.assert(
      fc.property(
        fc.uniqueArray(path, { maxLength: 12 }),
        patterns,
        patterns,
        (paths, include, exclude) => {
          // A path that is also the folder of another cannot be a file.
          const files = paths.filter((one) => !paths.some((other) => other.startsWith(`${one}/`)));
          const named = (pattern: string): boolean => !/[*?]/.test(pattern);
          fc.pre(!include.some(named));
          const hit = (path: string, patterns: string[], anyDepth: boolean): boolean =>
            foldersAndSelf(path).some((above) =>
              patterns.some((pattern) => {
                const text =
                  anyDepth && !pattern.includes('/') ? (above.split('/').pop() ?? '') : above;
                return picomatch.isMatch(text, pattern, { dot: true });
              }),
            );
          const expected = files.filter(
            (path) =>
              (include.length === 0 || hit(path, include, false)) && !hit(path, exclude, true),
          );
          const got = entries({ include, exclude }, ...files).filter((path) => !path.endsWith('/'));
          expect(got.sort()).toEqual(expected.sort());
        },
      ),
      { numRuns: 300 },
    );
  });
});

function foldersAndSelf(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

describe('.gitignore', () => {
  const none = { prefix: '', files: [], tracked: [], ignoreCase: false };

  test('is respected only on request', () => {
    const tree = ['.gitignore=*.log\n', 'a.log'];
    expect(entries({}, ...tree)).toContain('a.log');
    expect(entries({ gitignore: none }, ...tree)).toEqual(['.gitignore']);
  });

  test('keeps an ignored directory from being opened', () => {
    const tree = treeOf(
      '.gitignore=node_modules/\n',
      'node_modules/.gitignore=!x\n',
      'node_modules/x',
    );
    expect(walk({ gitignore: none }, tree).opened).toEqual([]);
  });

  test('never outweighs a path that is named explicitly, nor what lies in it', () => {
    const options = { include: ['.next/cache', '.env'], gitignore: none };
    const tree = ['.gitignore=.next\n.env\n*.tmp\n', '.next/cache/a', '.next/b', '.env', 'c'];
    expect(entries(options, ...tree)).toEqual(['.next/', '.next/cache/', '.next/cache/a', '.env']);
  });

  test('above a source holds in it, unless it leaves out the source itself', () => {
    const files = [{ folder: '', text: Buffer.from('*.log\n/apps/site/out\n/uploads\n') }];
    const tree = ['a.log', 'out/x', 'apps/site/out/y'];
    expect(entries({ gitignore: { ...none, prefix: 'apps/site', files } }, ...tree)).toEqual([
      'apps/',
      'apps/site/',
      'apps/site/out/',
      'apps/site/out/y',
    ]);
    expect(entries({ gitignore: { ...none, prefix: 'uploads', files } }, 'a.log')).toEqual([
      'a.log',
    ]);
  });

  test('forgets nothing however many paths are asked for', () => {
    const scope = createSelector({ gitignore: none }).open({ gitignore: Buffer.from('*.log\n') });
    for (let i = 0; i < 25_000; i += 1) {
      expect(scope.select(`${String(i)}.log`, false) === 'skip').toBe(true);
    }
    expect(scope.select('a.txt', false)).toBe('take');
  });

  test('decides as git does, nested files, negations and odd names included', () => {
    const paths = [
      '.gitignore=*.log\nbuild\n/only-root\n!keep.log\nsub/deep/\n# comment\n\\#hash\ntrail \nfoo/**/bar\n',
      'a.log', 'keep.log', 'build/x', 'only-root', '#hash', 'trail', 'foo/bar', 'foo/1/2/bar', 'foo/1/2/baz',
      'sub/.gitignore=!build\n*.txt\n/anchored\nin/ner\n!deep/\n\\!bang\n!*.log\r\n',
      'sub/build/x', 'sub/build/y.txt', 'sub/anchored', 'sub/c/anchored', 'sub/in/ner', 'sub/c/in/ner',
      'sub/only-root', 'sub/deep/z', 'sub/!bang', 'sub/b.log', 'sub/trail', 'sub/c/t.txt',
      'we[i]rd*/.gitignore=x\n/y\n', 'we[i]rd*/x', 'we[i]rd*/y', 'we[i]rd*/q/x', 'weird/x', 'other/x',
      'latin-\u00e9/.gitignore=\u00fc*\n', 'latin-\u00e9/\u00fcber', 'latin-\u00e9/uber',
    ]; // prettier-ignore
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-select-'));
    try {
      const env = { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
      const git = (...args: string[]): string =>
        execFileSync('git', ['-C', folder, ...args], { env, encoding: 'latin1' });
      git('init', '-q');
      writeFileSync(join(folder, '.git/info/exclude'), 'other/\n!a.log\n');
      for (const line of paths) {
        const [path = '', content = ''] = line.split('=');
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), content);
      }
      const expected = git('ls-files', '-z', '--others', '--exclude-standard').split('\0');
      const exclude = readFileSync(join(folder, '.git/info/exclude'));
      const gitignore = { ...none, files: [{ folder: '', text: exclude }] };
      const tree = treeOf(
        ...paths.map((line) =>
          [fromUtf8(line.split('=')[0] ?? ''), ...line.split('=').slice(1)].join('='),
        ),
      );
      const got = walk({ gitignore }, tree).entries.filter((path) => !path.endsWith('/'));
      expect(got.sort()).toEqual(expected.filter((path) => path !== '').sort());
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
