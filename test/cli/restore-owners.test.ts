// Owners and special bits, restored by root and by somebody who may not give anything away.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isRoot, PLAIN, Premises, type User } from '../support/other-user.ts';

// Only root can give files to others.
const asRoot = isRoot ? describe : describe.skip;

const ROOT: User = { uid: 0, gid: 0 };
const OTHER: User = { uid: 54_400, gid: 54_401 };

/** A site of another user, with set-id bits and a sticky folder, that root has backed up. */
function plantSpecial(): Premises {
  const premises = new Premises(OTHER);
  premises.plant({ 'uploads/photo.jpg': 'photo', 'bin/tool': 'tool', 'tmp/note': 'note' });
  fs.chmodSync(path.join(premises.site, 'uploads'), 0o2750);
  fs.chmodSync(path.join(premises.site, 'bin/tool'), 0o4755);
  fs.chmodSync(path.join(premises.site, 'tmp'), 0o1777);
  premises.backUp(ROOT);
  return premises;
}

const SPECIAL = {
  uploads: '2750 54400:54401',
  'bin/tool': '4755 54400:54401',
  tmp: '1777 54400:54401',
};

function expectSpecial(premises: Premises): void {
  for (const [name, facts] of Object.entries(SPECIAL)) expect(premises.facts(name)).toBe(facts);
}

asRoot('root', () => {
  test('restores owners and special bits in place, again finds nothing to do, and undo brings them back', () => {
    using premises = plantSpecial();
    for (const name of Object.keys(SPECIAL)) fs.chownSync(path.join(premises.site, name), 0, 0);
    const changed = premises.facts('uploads');
    expect(premises.run(['restore', 'site', '--in-place'], { as: ROOT }).exit).toBe(0);
    expectSpecial(premises);
    const again = premises.run(['restore', 'site', '--in-place'], { as: ROOT });
    expect(again.text).toContain('nothing to do');
    expect(premises.run(['diff', 'site', '--live', '--exit-code'], { as: ROOT }).exit).toBe(0);
    expect(premises.run(['undo'], { as: ROOT }).exit).toBe(0);
    expect(premises.facts('uploads')).toBe(changed);
  });

  test('restores them to a new folder, and leaves them aside when told to', () => {
    using premises = plantSpecial();
    const whole = premises.run(['restore', 'site', '--to', '../whole'], { as: ROOT });
    expect(whole).toEqual({
      exit: 0,
      text: expect.stringContaining('every entry is what was backed up\n'),
    });
    const { uid, gid, mode } = fs.statSync(premises.at('whole/bin/tool'));
    expect([uid, gid, mode & 0o7777]).toEqual([54_400, 54_401, 0o4755]);
    const aside = premises.run(['restore', 'site', '--to', '../aside', '--no-owner'], { as: ROOT });
    expect(aside.exit).toBe(0);
    expect(fs.statSync(premises.at('aside/bin/tool')).mode & 0o7777).toBe(0o755);
    expect(fs.statSync(premises.at('aside/bin/tool')).uid).toBe(0);
  });
});

/** A site of somebody else, in which the plain user may write because of his group; he backs it up himself. */
function plantShared(special: Readonly<Record<string, number>> = {}): Premises {
  const premises = new Premises(PLAIN);
  premises.plant({ 'uploads/photo.jpg': 'photo', 'bin/tool': 'tool' });
  for (const name of ['uploads', 'bin', 'uploads/photo.jpg', 'bin/tool', '.']) {
    const at = path.join(premises.site, name);
    fs.chownSync(at, OTHER.uid, PLAIN.gid);
    fs.chmodSync(at, fs.statSync(at).isDirectory() ? 0o2775 : 0o664);
  }
  for (const [name, mode] of Object.entries(special))
    fs.chmodSync(path.join(premises.site, name), mode);
  premises.backUp();
  return premises;
}

const LOST =
  /1 entry belongs to another user or group than in the backup \(54400:54322\): only root/;

asRoot('a plain user', () => {
  test('is told whose files they were, in place and the second time, and that is no failure', () => {
    using premises = plantShared();
    fs.rmSync(path.join(premises.site, 'uploads/photo.jpg'));
    const first = premises.run(['restore', 'site', 'uploads', '--in-place']);
    expect(first).toEqual({ exit: 0, text: expect.stringMatching(LOST) });
    expect(premises.read('uploads/photo.jpg')).toBe('photo');
    expect(premises.facts('uploads')).toBe('2775 54400:54322');
    const again = premises.run(['restore', 'site', 'uploads', '--in-place']);
    expect(again).toEqual({ exit: 0, text: expect.stringMatching(LOST) });
    expect(again.text).toMatch(/nothing to do: .*, but for what is named below/);
  });

  test('restores to a new folder with owners aside, and does not call all of it what it was', () => {
    using premises = plantShared();
    const { exit, text } = premises.run(['restore', 'site', '--to', '../out']);
    expect(exit).toBe(0);
    expect(text).toContain('every entry is what was backed up, owners aside');
    expect(text).toMatch(/only root can give (it|them) back/);
    const plain = premises.run(['restore', 'site', '--to', '../out-2', '--no-verify']);
    expect(plain).toEqual({
      exit: 0,
      text: expect.stringMatching(/only root can give (it|them) back/),
    });
  });

  test.each([[['--to', '../out']], [['--to', '../out', '--no-verify']]])(
    'ends with 3 where a set-id bit is lost: %s',
    (options) => {
      using premises = plantShared({ 'bin/tool': 0o4755 });
      const { exit, text } = premises.run(['restore', 'site', ...options]);
      expect({ exit, text }).toEqual({
        exit: 3,
        text: expect.stringMatching(/bin\/tool: mode: has mode 0755 instead of 4755/),
      });
      expect(text).not.toContain('every entry is');
      expect(fs.statSync(premises.at('out/bin/tool')).mode & 0o7777).toBe(0o755);
    },
  );

  test('ends with 3 in place where a set-id bit is lost, also when it finds nothing to do', () => {
    using premises = plantShared({ 'bin/tool': 0o4755 });
    fs.rmSync(path.join(premises.site, 'bin/tool'));
    for (let run = 0; run < 2; run++) {
      const { exit, text } = premises.run(['restore', 'site', 'bin', '--in-place']);
      expect({ exit, text }).toEqual({
        exit: 3,
        text: expect.stringMatching(/bin\/tool: mode: has mode 0755 instead of 4755/),
      });
    }
  });

  test('gives his own files back with group and set-id bits', () => {
    const user = { ...PLAIN, groups: [54_777] };
    using premises = new Premises(PLAIN);
    premises.plant({ 'uploads/photo.jpg': 'photo' });
    fs.chownSync(path.join(premises.site, 'uploads'), PLAIN.uid, 54_777);
    fs.chmodSync(path.join(premises.site, 'uploads'), 0o2770);
    premises.backUp(user);
    fs.rmSync(path.join(premises.site, 'uploads'), { recursive: true });
    const { exit, text } = premises.run(['restore', 'site', '--in-place'], { as: user });
    expect({ exit, text }).toEqual({ exit: 0, text: expect.not.stringContaining('warning') });
    expect(premises.facts('uploads')).toBe(`2770 ${PLAIN.uid}:54777`);
  });
});
