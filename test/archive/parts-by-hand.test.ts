// Archives of several parts are restored by the tools of any system, with the commands that `show` prints.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { filesKind } from '../../lib/sources/files/kind.ts';
import { backUp, prose, Scratch } from '../support/archives.ts';
import { need } from '../needs/need.ts';
import { backUpInParts, type PartedBackup } from '../support/parted.ts';
import { factsOf, plantEveryKind, type TreeFacts } from '../support/trees.ts';

need('bsdtar');
need('zstd');

const scratch = new Scratch();
const isRoot = process.getuid?.() === 0;
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const USERS: [string, string[]][] = [
  ['whoever tests', []],
  ...(isRoot ? [['a user who is not root', NOBODY] satisfies [string, string[]]] : []),
];

beforeAll(async () => {
  const tree = scratch.at('tree');
  plantEveryKind(tree);
  // Nobody but root could read it again.
  fs.rmSync(`${tree}/modes/0`, { force: true });
  fs.mkdirSync(`${tree}/links/empty/empty`, { recursive: true });
  for (const [name, mode] of Object.entries({ ro: 0o555, own: 0o700, gid: 0o2755, tmp: 0o1777 })) {
    fs.mkdirSync(`${tree}/${name}/in`, { recursive: true });
    fs.writeFileSync(`${tree}/${name}/in/file`, prose(200_000));
    fs.writeFileSync(`${tree}/${name}/small`, 'x');
    fs.chmodSync(`${tree}/${name}/in`, mode);
    fs.chmodSync(`${tree}/${name}`, mode);
    fs.utimesSync(`${tree}/${name}/in`, 1_500_000_000, 1_500_000_000);
    fs.utimesSync(`${tree}/${name}`, 1_600_000_000, 1_600_000_000);
  }
  fs.writeFileSync(scratch.at('one.tar.gz'), (await backUp(tree)).archive);
  fs.chmodSync(scratch.path, 0o755);
});

afterAll(() => {
  scratch[Symbol.dispose]();
});

/** Writes the parts into a folder, and gives the commands that restore them. */
function written(backup: PartedBackup, name: string): readonly string[] {
  fs.mkdirSync(scratch.at(name));
  const placeOf = ({ key }: { key: string }) => scratch.at(`${name}/${path.basename(key)}`);
  for (const artifact of backup.manifest.artifacts) {
    fs.writeFileSync(placeOf(artifact), backup.stored.get(artifact.key) ?? '');
  }
  const { check, restore, recheck } = filesKind.byHand(backup.manifest, placeOf);
  return [...check, ...restore, ...recheck];
}

function run(commands: readonly string[], user: readonly string[], into: string): void {
  const script = `set -e\n${commands.join('\n')}\n`.replaceAll('FOLDER', into);
  execFileSync('env', [...user, 'sh', '-c', script], { stdio: ['ignore', 'ignore', 'pipe'] });
}

function factsWithout(into: string, times: RegExp | undefined): TreeFacts {
  const facts = factsOf(into, { without: /^\.holdfast$/ });
  return Object.fromEntries(Object.entries(facts).filter(([name]) => times?.test(name) !== true));
}

describe.each(USERS)('by %s', (who, user) => {
  test.each([
    ['GNU tar', 'tar', undefined],
    // It adds the fraction of a negative time to it.
    ['bsdtar', 'bsdtar', /^times\/0$/],
  ])('%s gives the same from all parts as from one archive', async (tool, program, odd) => {
    const id = `${who}-${tool}`.replace(/\W/g, '');
    const backup = await backUpInParts(scratch.at('tree'), { largeBytes: 100_000 });
    const commands = written(backup, `parts-${id}`).map((one) =>
      one.replace('tar -', `${program} -`),
    );
    fs.mkdirSync(scratch.at(`out-${id}`));
    fs.chmodSync(scratch.at(`out-${id}`), 0o777);
    const [parts, one] = [scratch.at(`out-${id}/parts`), scratch.at(`out-${id}/one`)];
    run(commands, user, parts);
    run(['mkdir FOLDER', `${program} -xpzf ${scratch.at('one.tar.gz')} -C FOLDER`], user, one);
    expect(factsWithout(parts, odd)).toEqual(factsWithout(one, odd));
    expect(factsWithout(parts, odd)).toEqual(factsWithout(scratch.at('tree'), odd));
    expect(ownersOf(parts)).toEqual(ownersOf(one));
  });
});

test('archives of zstd are restored by zstd and tar', async () => {
  const encoding = { codec: 'zstd', level: 1 } as const;
  const backup = await backUpInParts(scratch.at('tree'), { encoding });
  run(written(backup, 'parts-zstd'), [], scratch.at('all-zstd'));
  expect(factsWithout(scratch.at('all-zstd'), undefined)).toEqual(factsOf(scratch.at('tree')));
});

test('a part that is damaged ends the restore, and says so', async () => {
  const backup = await backUpInParts(scratch.at('tree'));
  const [key] = [...backup.stored.keys()];
  const commands = written(backup, 'damaged').filter((one) => !one.startsWith('echo'));
  const file = scratch.at(`damaged/${path.basename(key ?? '')}`);
  fs.truncateSync(file, fs.statSync(file).size >> 1);
  expect(() => run(commands, [], scratch.at('all-damaged'))).toThrow();
});

function ownersOf(root: string): Record<string, string> {
  const names = fs.readdirSync(root, { recursive: true, encoding: 'latin1' });
  return Object.fromEntries(
    names
      .filter((name) => !name.startsWith('.holdfast'))
      .map((name) => {
        const { uid, gid } = fs.lstatSync(Buffer.from(`${root}/${name}`, 'latin1'));
        return [name, `${uid}:${gid}`];
      }),
  );
}
