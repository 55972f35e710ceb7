// Folders of mode 0555 in the site of an ordinary user: everything that restores works, and they are 0555 again afterwards.
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { PLAIN, Premises } from '../support/other-user.ts';

const SETTINGS = 'sites/default/settings.php';

function plantReadOnly(): Premises {
  const premises = new Premises(PLAIN);
  premises.plant({
    [SETTINGS]: 'settings',
    'sites/default/deep/er/file': 'deep',
    'index.php': 'index',
  });
  setMode(premises, 0o555);
  premises.backUp();
  return premises;
}

function setMode({ site }: Premises, mode: number): void {
  for (const name of ['sites/default', 'sites/default/deep', 'sites/default/deep/er'])
    fs.chmodSync(path.join(site, name), mode);
}

/** Changes what is in the folders, as their owner would. */
function change(premises: Premises, work: (site: string) => void): void {
  setMode(premises, 0o755);
  work(premises.site);
  setMode(premises, 0o555);
}

function leftBeside({ root }: Premises): string[] {
  return fs.readdirSync(root).filter((name) => /\.holdfast-[0-9a-f]{16}$/.test(name));
}

test('a restore test proves the backup and leaves nothing where it was restored', () => {
  using premises = plantReadOnly();
  const { exit, text } = premises.run(['restore-test', 'site']);
  expect({ exit, text }).toEqual({ exit: 0, text: expect.stringContaining('proven') });
  expect(fs.readdirSync(premises.tmp).filter((name) => name.startsWith('holdfast-'))).toEqual([]);
});

test('a restore in place changes, adds and removes in them, and undo takes it back', () => {
  using premises = plantReadOnly();
  change(premises, (site) => {
    fs.rmSync(path.join(site, SETTINGS));
    fs.writeFileSync(path.join(site, 'sites/default/deep/er/file'), 'changed');
    fs.writeFileSync(path.join(site, 'sites/default/deep/new'), 'new');
  });
  const restored = premises.run(['restore', 'site', '--in-place', '--delete']);
  expect({ exit: restored.exit, text: restored.text }).toEqual({
    exit: 0,
    text: expect.stringContaining('replaced 4 entries (1 new), removed 1;'),
  });
  expect(premises.read(SETTINGS)).toBe('settings');
  expect(premises.read('sites/default/deep/er/file')).toBe('deep');
  expect(premises.run(['undo']).exit).toBe(0);
  expect(fs.existsSync(path.join(premises.site, SETTINGS))).toBe(false);
  expect(premises.read('sites/default/deep/er/file')).toBe('changed');
  expect(premises.read('sites/default/deep/new')).toBe('new');
  for (const name of ['sites/default', 'sites/default/deep', 'sites/default/deep/er'])
    expect(premises.facts(name)).toMatch(/^555 /);
  expect(leftBeside(premises)).toEqual([]);
});

test('such a folder gives way to a file and comes back', () => {
  using premises = plantReadOnly();
  premises.command([
    'sh',
    '-c',
    'chmod -R u+w sites/default; rm -r sites/default; echo x > sites/default',
  ]);
  expect(premises.run(['restore', 'site', '--in-place']).exit).toBe(0);
  expect(premises.read('sites/default/deep/er/file')).toBe('deep');
  expect(premises.run(['undo']).exit).toBe(0);
  expect(premises.read('sites/default')).toBe('x\n');
  expect(leftBeside(premises)).toEqual([]);
});

test('a restore to a new folder that fails leaves nothing of them', () => {
  using premises = plantReadOnly();
  const [archive = ''] = fs
    .globSync('backups/site/*/archive-*.tar.gz', { cwd: premises.at('store') })
    .map((one) => premises.at(`store/${one}`));
  const bytes = fs.readFileSync(archive);
  bytes.writeUInt8(bytes.readUInt8(40) ^ 0xff, 40);
  fs.chmodSync(archive, 0o600);
  fs.writeFileSync(archive, bytes);
  expect(premises.run(['restore', 'site', '--to', '../out']).exit).toBe(4);
  expect(fs.existsSync(premises.at('out'))).toBe(false);
  expect(fs.readdirSync(premises.root).filter((name) => name.startsWith('.out'))).toEqual([]);
});
