// Each stack of the table, on a made site of that form: what a backup by the written configuration would take.
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { siteText } from '../../../lib/cli/init/text.ts';
import { detectFolder } from '../../../lib/config/init/detect.ts';
import { STACKS } from '../../../lib/config/init/stacks.ts';
import { starterConfig } from '../../../lib/config/init/starter.ts';
import { EXAMPLE_PUBLIC_KEY } from '../../../lib/config/schema/example.ts';
import { walkFiles } from '../../../lib/sources/files/source.ts';
import { displayPath } from '../../../lib/format/paths.ts';
import { check } from '../support.ts';
import { SITES } from './sites.ts';

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-stacks-')));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

const OPTIONS = {
  system: 'my-site',
  store: '/mnt/backups',
  keyPath: '~/.config/holdfast/my-site.key',
  publicKey: EXAMPLE_PUBLIC_KEY,
  keyName: 'laptop',
  onAws: false,
};

test.each(SITES)(
  '$name: takes what people made, and leaves out what is built',
  async ({ text, kept, built, content, configuration, uploads = [], ...site }) => {
    await write({ ...kept, ...Object.fromEntries(built.map((path) => [path, 'built'])) });
    // Laravel and others keep what matters in a file that no backup takes.
    if (site.name === 'Laravel') await write({ '.env': 'DB_CONNECTION=pgsql\nDB_HOST=db\n' });
    const found = await detectFolder(folder, {});
    expect(siteText(found)).toBe(text);
    expect(found.content).toEqual(content);
    expect(found.configuration).toEqual(expect.arrayContaining([...configuration]));
    expect(found.uploads).toEqual(uploads);
    expect(found.afterRestore).toEqual(site.afterRestore);
    expect(found.database?.variable).toBe(site.database);
    expect(found.unsupported.map(({ title }) => title)).toEqual(site.unsupported ?? []);

    const { config, faults } = check(starterConfig(found, OPTIONS), { folder });
    expect(faults).toEqual([]);
    const sources = config?.sources ?? [];
    expect(sources.filter(({ kind }) => kind === 'files').map(({ name }) => name)).toEqual([
      'site',
    ]);
    const [source] = sources;
    if (source?.kind !== 'files') throw new Error('no source of files');
    const taken: string[] = [];
    const surroundings = { leaveOut: [], git: { environment: process.env } };
    for (const { path, type } of walkFiles(source, surroundings, () => undefined))
      if (type === 'file') taken.push(displayPath(path));
    expect(taken.sort()).toEqual(Object.keys(kept).sort());
  },
);

test('every stack of the table is tried', () => {
  const names = SITES.map(({ text }) => text).join(', ');
  for (const { title } of STACKS) expect(names).toContain(title);
});
