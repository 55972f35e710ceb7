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

/** Documents whose lines are still to be broken; nothing is added here. */
const NOT_YET: readonly string[] = [
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'docs/benchmarks-buckets.md',
  'docs/benchmarks-databases.md',
  'docs/benchmarks.md',
  'docs/cli.md',
  'docs/conditions.md',
  'docs/configuration.md',
  'docs/databases-on-aws.md',
  'docs/decisions/0001-libraries.md',
  'docs/decisions/0002-first-stored-serves-its-bucket.md',
  'docs/decisions/0003-untrusted-is-never-released.md',
  'docs/decisions/0004-times-content.md',
  'docs/decisions/0005-members-recognised-by-position.md',
  'docs/decisions/0006-clone-is-checked-by-verify.md',
  'docs/decisions/0007-holes-are-zeros.md',
  'docs/decisions/0008-deflate-level-1.md',
  'docs/decisions/0009-in-place-saves-beside-the-target.md',
  'docs/decisions/0010-a-repair-stands-at-its-time.md',
  'docs/decisions/0011-threads-start-late.md',
  'docs/decisions/0012-the-oldest-version-is-the-object.md',
  'docs/decisions/0013-the-store-names-the-bucket.md',
  'docs/decisions/0014-functions-carry-their-configuration.md',
  'docs/decisions/0015-each-function-signs-with-its-own-key.md',
  'docs/decisions/0016-buckets-are-archived-like-folders.md',
  'docs/decisions/0017-the-local-aws-is-mended-in-the-tests.md',
  'docs/decisions/0018-programs-of-postgresql-in-an-image-or-in-layers.md',
  'docs/decisions/0019-the-image-has-a-runtime-of-our-own.md',
  'docs/decisions/0020-embedded-postgres.md',
  'docs/decisions/0022-safety-backups-count-for-nothing.md',
  'docs/decisions/0023-dumps-in-the-directory-format.md',
  'docs/decisions/0024-an-encoder-of-our-own.md',
  'docs/decisions/0025-no-test-asks-what-day-it-is.md',
  'docs/decisions/0027-newer-is-what-began-later.md',
  'docs/decisions/0028-a-site-is-known-by-its-place.md',
  'docs/decisions/0029-a-store-has-an-id.md',
  'docs/decisions/0030-names-of-owners-stand-in-the-manifest.md',
  'docs/decisions/0031-staging-on-each-mount.md',
  'docs/decisions/0032-gitignore-as-git-decides.md',
  'docs/decisions/0033-what-is-left-out-as-a-secret.md',
  'docs/decisions/0034-what-proves-a-restored-database.md',
  'docs/decisions/0035-a-dump-knows-its-surroundings.md',
  'docs/decisions/0036-properties-of-the-database-are-an-artifact.md',
  'docs/decisions/0048-a-nested-stack-for-each-source.md',
  'docs/decisions/0054-connections-to-rds.md',
  'docs/design.md',
  'docs/errors.md',
  'examples/automatron-website/README.md',
];

/** The text that can be broken: no code, no table, and no line that is a link alone. */
function proseOf(text: string): string[] {
  return text
    .replace(/^( *)```[\s\S]*?^\1```$/gm, '')
    .split('\n')
    .filter((line) => !/^ *(\||(- )?<?https?:\S+$)/.test(line));
}

test.each(DOCUMENTS.filter((document) => !NOT_YET.includes(document)))(
  'no line of %s is too long to read',
  (document) => {
    const lines = proseOf(readFileSync(join(ROOT, document), 'utf8'));
    expect(lines.filter((line) => line.length > WIDEST_LINE)).toEqual([]);
  },
);

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
