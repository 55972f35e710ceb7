// Restores in place where a rename does not lead everywhere, or something refuses: what is said is what was done.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isRoot, PLAIN, Premises, type User } from '../support/other-user.ts';
import { PROGRAM } from '../support/program.ts';

const asRoot = isRoot ? describe : describe.skip;
const ROOT: User = { uid: 0, gid: 0 };

function plantLinked(): Premises {
  const premises = new Premises(PLAIN);
  premises.plant({ 'a/1': 'x', 'b/other': 'o' });
  fs.linkSync(path.join(premises.site, 'a/1'), path.join(premises.site, 'b/2'));
  premises.backUp();
  return premises;
}

test('a hard link is restored alone, and undone, when its other name lies outside the named path', () => {
  using premises = plantLinked();
  fs.writeFileSync(path.join(premises.site, 'a/1'), 'y');
  const { exit, text } = premises.run(['restore', 'site', 'b', '--in-place']);
  expect({ exit, text }).toEqual({ exit: 0, text: expect.stringContaining('replaced 1 entry') });
  expect([premises.read('a/1'), premises.read('b/2')]).toEqual(['y', 'x']);
  expect(premises.run(['undo']).exit).toBe(0);
  expect(premises.read('b/2')).toBe('y');
});

test('folders above a restored file come back as they were, and undo removes them', () => {
  using premises = new Premises(PLAIN);
  premises.plant({ 'a/b/c/file': 'x' });
  fs.chmodSync(path.join(premises.site, 'a'), 0o750);
  fs.chmodSync(path.join(premises.site, 'a/b'), 0o555);
  premises.backUp();
  fs.chmodSync(path.join(premises.site, 'a/b'), 0o755);
  fs.rmSync(path.join(premises.site, 'a'), { recursive: true });
  expect(premises.run(['restore', 'site', 'a/b/c/file', '--in-place']).exit).toBe(0);
  expect([premises.facts('a'), premises.facts('a/b')].map((one) => one.split(' ')[0])).toEqual([
    '750',
    '555',
  ]);
  expect(premises.run(['undo']).exit).toBe(0);
  expect(fs.existsSync(path.join(premises.site, 'a'))).toBe(false);
});

test('a folder that still holds what the backup leaves out is left, and that is no failure', () => {
  using premises = new Premises(PLAIN);
  premises.plant({ 'index.html': 'x', 'holdfast.yaml': '' });
  fs.rmSync(path.join(premises.site, 'holdfast.yaml'));
  premises.backUp();
  premises.plant({ 'later/taken.txt': 'x', 'later/node_modules/left-out.js': 'x' });
  const { exit, text } = premises.run(['restore', 'site', '--in-place', '--delete']);
  expect({ exit, text }).toEqual({
    exit: 0,
    text: expect.stringMatching(/later\/: left: still holds something/),
  });
  expect(fs.existsSync(path.join(premises.site, 'later/node_modules/left-out.js'))).toBe(true);
  expect(fs.existsSync(path.join(premises.site, 'later/taken.txt'))).toBe(false);
});

asRoot('where an entry cannot be replaced', () => {
  test('nothing is counted that was not done, and how to go on and where the old is kept is told', () => {
    using premises = new Premises(PLAIN);
    premises.plant({ 'own/file': 'x', 'theirs/file': 'x' });
    premises.backUp();
    for (const name of ['own/file', 'theirs/file'])
      fs.writeFileSync(path.join(premises.site, name), 'changed');
    fs.chownSync(path.join(premises.site, 'theirs'), 54_500, 54_500);
    const { exit, text } = premises.run(['restore', 'site', '--in-place']);
    expect(exit).toBe(4);
    expect(text).toContain('restored in part');
    expect(text).toContain('replaced 1 of 2 entries');
    expect(text).toMatch(/theirs\/file: unwritten: EACCES/);
    expect(text).toContain(`kept in ${premises.at('.site.holdfast-safety')}`);
    expect(text).toMatch(/run the same command again, or take it back with holdfast undo/);
    fs.chownSync(path.join(premises.site, 'theirs'), PLAIN.uid, PLAIN.gid);
    expect(premises.run(['restore', 'site', '--in-place']).exit).toBe(0);
    // Both runs were one restore, and are taken back together.
    expect(premises.run(['undo']).exit).toBe(0);
    expect([premises.read('own/file'), premises.read('theirs/file')]).toEqual([
      'changed',
      'changed',
    ]);
  });
});

/** Runs a script with mounts of its own, which are gone when it ends; `$1` is the program. */
function mounted(premises: Premises, script: string): string {
  const { exit, text } = premises.command(
    ['unshare', '--mount', 'sh', '-euc', script, 'sh', process.execPath, PROGRAM],
    ROOT,
  );
  return `${text}exit ${exit ?? ''}`;
}

asRoot('on mount points', () => {
  const script = (mount: string) => `
    node=$1 program=$2
    ${mount}
    mkdir -p uploads; echo one > index.html; echo one > uploads/photo; echo gone > uploads/deleted
    ln -f uploads/photo uploads/linked
    touch -d 2020-01-01T00:00:00Z uploads
    $node $program init --store ../store >/dev/null; $node $program backup site >/dev/null
    echo two > index.html; rm uploads/photo uploads/linked; echo two > uploads/photo; rm uploads/deleted
    $node $program restore site --in-place
    echo "restored: $(cat index.html uploads/photo uploads/linked uploads/deleted | tr '\\n' ' ')$(stat -c %y uploads | cut -c1-10)"
    $node $program undo >/dev/null
    echo "undone: $(cat index.html uploads/photo | tr '\\n' ' ')$(ls -A uploads | tr '\\n' ' ')"
  `;

  test.each([
    ['the folder itself', 'mount -t tmpfs none "$PWD"; cd "$PWD"'],
    ['a folder in it', 'mkdir uploads; mount -t tmpfs none uploads'],
    [
      'a folder that is bound to another on the same file system',
      'mkdir uploads ../volume; mount --bind ../volume uploads',
    ],
  ])('restores and undoes: %s', (_name, mount) => {
    using premises = new Premises(ROOT);
    const text = mounted(premises, script(mount));
    expect(text).toContain('restored: one one one gone 2020-01-01\n');
    expect(text).toContain('undone: two two photo \n');
    expect(text).not.toContain('warning');
  });

  test('without room for it, nothing is changed, and that is said', () => {
    using premises = new Premises(ROOT);
    const text = mounted(
      premises,
      `node=$1 program=$2
       mkdir data; mount -t tmpfs -o size=256k none data
       head -c 150000 /dev/urandom > data/a; echo one > index.html
       $node $program init --store ../store >/dev/null; $node $program backup site >/dev/null
       head -c 150000 /dev/urandom > data/a; echo two > index.html
       $node $program restore site --in-place || echo "failed with $?"
       cat index.html; ls -A data`,
    );
    expect(text).toMatch(/no room for data\/a; nothing in \S+ was changed/);
    expect(text).toContain('failed with 1\ntwo\na\n');
  });
});
