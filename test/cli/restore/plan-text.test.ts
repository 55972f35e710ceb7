// What a restore in place would do: what is lost by it comes first, and is told from what is new.
import { expect, test } from '@jest/globals';
import { planText, sayPaths } from '../../../lib/cli/restore/plan-text.ts';

const PLAN = {
  replace: ['about.html', 'new/', 'new/a.html', 'posts/', 'posts/old.md'],
  create: ['new/', 'new/a.html'],
  remove: ['draft.md'],
};

test('files that are overwritten are counted apart from those that are new', () => {
  expect(planText(PLAN)).toBe(
    'overwrite 2 files, remove 1 file, change 1 folder, add 1 file and 1 folder',
  );
});

test('what is overwritten is listed first, and marked as diff marks it', () => {
  const lines: string[] = [];
  sayPaths((text) => lines.push(text.trim()), PLAN);
  expect(lines).toEqual([
    '~ about.html',
    '~ posts/old.md',
    '- draft.md',
    '~ posts/',
    '+ new/',
    '+ new/a.html',
  ]);
});
