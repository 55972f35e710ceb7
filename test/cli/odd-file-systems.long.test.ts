// File systems that do not know what others do: hard links, and renames of folders.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { asRoot } from '../support/as-root.ts';
import { PLAIN, Premises } from '../support/other-user.ts';

const NO_LINKS = fileURLToPath(new URL('../support/no-links.ts', import.meta.url));

describe.each(['EPERM', 'ENOTSUP'])('where linking fails with %s', (code) => {
  const env = { NODE_OPTIONS: `--import=${NO_LINKS}`, HOLDFAST_TEST_LINK_ERROR: code };

  test('a store is written and proven, and names of one file become copies', () => {
    using premises = new Premises(PLAIN);
    premises.plant({ 'a/1': 'one content', 'b/other': 'o' });
    const [first, second] = [path.join(premises.site, 'a/1'), path.join(premises.site, 'b/2')];
    fs.linkSync(first, second);
    const run = (...args: string[]) => premises.run(args, { env });
    expect(run('init', '--store', '../store').exit).toBe(0);
    // Each of the two backups takes and gives back the locks.
    for (let n = 0; n < 2; n++) expect(run('backup', 'site').exit).toBe(0);
    expect(run('verify', 'site', '--level', 'content').exit).toBe(0);
    const fresh = run('restore', 'site', '--to', '../fresh');
    expect(fresh.text).toContain('every entry that is not named below is what was backed up');
    expect(fresh.text).toContain('noted: b/2: hard-link: is a copy of a/1 now');
    const restored = ['a/1', 'b/2'].map((name) => path.join(premises.at('fresh'), name));
    expect(restored.map((name) => fs.readFileSync(name, 'utf8'))).toEqual(
      Array(2).fill('one content'),
    );
    expect(fs.statSync(restored[1] ?? '').nlink).toBe(1);
    fs.writeFileSync(second, 'changed');
    const over = run('restore', 'site', '--in-place');
    expect([fresh.exit, over.exit, premises.read('b/2')]).toEqual([0, 0, 'one content']);
    expect(run('undo').exit).toBe(0);
    expect(premises.read('b/2')).toBe('changed');
    // Both names are written anew, so they were one file again.
    for (const name of [first, second]) fs.rmSync(name);
    const anew = run('restore', 'site', '--in-place');
    expect(anew).toEqual({ exit: 0, text: expect.stringContaining('b/2: hard-link: is a copy') });
  });

  asRoot('root is told by exit code 3 that names of one file became copies', () => {
    using premises = new Premises({ uid: 0, gid: 0 });
    premises.plant({ 'a/1': 'one content' });
    fs.linkSync(path.join(premises.site, 'a/1'), path.join(premises.site, 'a/2'));
    premises.backUp();
    for (const verify of [[], ['--no-verify']]) {
      const to = ['--to', `../fresh${verify.length}`];
      const { exit, text } = premises.run(['restore', 'site', ...to, ...verify], { env });
      expect({ exit, text }).toEqual({
        exit: 3,
        text: expect.stringContaining('problem: a/2: hard-link: is a copy of a/1 now'),
      });
    }
  });
});

asRoot('in layers, where folders of the lower one are not renamed, one gives way to a file', () => {
  using premises = new Premises({ uid: 0, gid: 0 });
  premises.plant({ a: 'a file', 'b/kept': 'x' });
  premises.backUp();
  const [lower, upper, work] = ['lower', 'upper', 'work'].map((name) => premises.at(name));
  if (lower === undefined || upper === undefined || work === undefined)
    throw new Error('no layers');
  fs.cpSync(premises.site, lower, { recursive: true });
  for (const one of [upper, work]) fs.mkdirSync(one);
  fs.rmSync(path.join(lower, 'a'));
  fs.mkdirSync(path.join(lower, 'a/deep'), { recursive: true });
  fs.writeFileSync(path.join(lower, 'a/deep/file'), 'gives way');
  const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work},redirect_dir=off`;
  const mounted = spawnSync('mount', ['-t', 'overlay', '-o', layers, 'overlay', premises.site]);
  expect({ status: mounted.status, stderr: String(mounted.stderr) }).toEqual({
    status: 0,
    stderr: '',
  });
  try {
    // It is such a place: otherwise the test shows nothing.
    const { site } = premises;
    expect(() => fs.renameSync(`${site}/a`, `${site}/z`)).toThrow('EXDEV');
    const { exit, text } = premises.run(['restore', 'site', '--in-place']);
    expect({ exit, text }).toEqual({ exit: 0, text: expect.stringContaining('restored') });
    expect(premises.read('a')).toBe('a file');
    expect(premises.run(['undo']).exit).toBe(0);
    expect(premises.read('a/deep/file')).toBe('gives way');
    expect(fs.readdirSync(site).filter((name) => name.includes('holdfast-'))).toEqual([]);
  } finally {
    spawnSync('umount', [premises.site]);
  }
});
