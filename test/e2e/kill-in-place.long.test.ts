// A restore in place that is killed at any moment: every file is as it was or as it is to be, running it again ends the work, and it can
// be taken back as a whole.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from '@jest/globals';
import { noise } from '../support/archives.ts';
import { contents } from '../support/engine.ts';
import { plantSite } from '../support/small-site.ts';
import { factsOf } from '../support/trees.ts';
import { makeSystem, type System } from '../support/system.ts';

const LONG = process.env['HOLDFAST_SWEEPS'] !== undefined;
const SEEDS = LONG ? 60 : 4;
const TIMEOUT_MS = LONG ? 1_800_000 : 240_000;
const FILES = 300;

function plant(site: string): void {
  plantSite(site);
  fs.mkdirSync(`${site}/many`);
  for (let n = 0; n < FILES; n++)
    fs.writeFileSync(`${site}/many/${n}.txt`, `as it was backed up ${n}`);
  for (let n = 0; n < 4; n++) fs.writeFileSync(`${site}/public/${n}.jpg`, noise(300_000, n + 50));
}

/** What happened to the site since: changed, removed and new files, a file that became a folder and one the other way round. */
function change(site: string): void {
  for (let n = 0; n < FILES; n += 2)
    fs.writeFileSync(`${site}/many/${n}.txt`, `changed since ${n}`);
  for (let n = 1; n < FILES; n += 10) fs.rmSync(`${site}/many/${n}.txt`);
  fs.writeFileSync(`${site}/public/0.jpg`, noise(300_000, 99));
  fs.writeFileSync(`${site}/new.txt`, 'of nobody’s concern');
  fs.rmSync(`${site}/index.html`);
  fs.mkdirSync(`${site}/index.html`);
  fs.writeFileSync(`${site}/index.html/inside.txt`, 'inside');
  fs.rmSync(`${site}/content/deep`, { recursive: true });
  fs.writeFileSync(`${site}/content/deep`, 'was a folder');
}

/** The tree without the times of folders, which change with what is in them. */
const factsIn = ({ site }: System) =>
  new Map(Object.entries(factsOf(site, { folderTimes: false })));

/** Starts a command and kills it as soon as `reached`, or when it has ended. */
async function killWhen(
  system: System,
  args: readonly string[],
  reached: () => boolean,
): Promise<void> {
  const { child, ended } = system.start(args);
  let over = false as boolean;
  void ended.then(() => {
    over = true;
  });
  while (!over && !reached()) await setImmediate();
  child.kill('SIGKILL');
  await ended;
}

/** A moment for each seed: by the clock, and, as the folder changes fast, by how far that is. */
function momentOf(
  system: System,
  seed: number,
  { wholeMs, text }: { wholeMs: number; text: string },
): () => boolean {
  const share = (seed * 0.618_034) % 1;
  const end = performance.now() + (0.4 + 0.6 * share) * wholeMs;
  if (seed % 3 === 0) return () => performance.now() > end;
  const file = `${system.site}/many/${2 * Math.floor((share * FILES) / 2)}.txt`;
  return () => fs.readFileSync(file, 'utf8').startsWith(text);
}

const RESTORE = ['restore', 'site/latest', '--in-place'];

test(
  'leaves each file as it was or as it is to be; again ends it, and undo takes all of it back',
  async () => {
    using system = makeSystem({ plant });
    await system.json(['backup']);
    const backedUp = factsIn(system);
    const store = await system.openStore();
    const before = await contents(store, 'backups/');
    const pristine = path.join(system.root, 'pristine');
    change(system.site);
    execFileSync('cp', ['-a', system.site, pristine]);
    const changed = factsIn(system);
    const begin = performance.now();
    await system.json(RESTORE);
    const wholeMs = performance.now() - begin;
    let begun = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      reset(system, pristine);
      await killWhen(system, RESTORE, momentOf(system, seed, { wholeMs, text: 'as it was' }));
      const now = factsIn(system);
      const torn = [...now].filter(
        ([name, fact]) =>
          ![backedUp.get(name), changed.get(name)].includes(fact) &&
          // Folders are private until all that belongs into them is there.
          !fact.startsWith('directory 700'),
      );
      expect({ seed, torn }).toEqual({ seed, torn: [] });
      if ([...now].some(([name, fact]) => fact !== changed.get(name))) begun++;
      expect({ seed, untouched: now.get('new.txt') }).toEqual({
        seed,
        untouched: changed.get('new.txt'),
      });
      await system.json(RESTORE);
      const restored = factsIn(system);
      const wrong = [...backedUp].filter(([name, line]) => restored.get(name) !== line);
      expect({ seed, wrong }).toEqual({ seed, wrong: [] });
      if (seed % 2 === 0) {
        // An undo that is killed is no worse off than a restore.
        await killWhen(system, ['undo'], momentOf(system, seed, { wholeMs, text: 'changed' }));
      }
      // One that had come to its end is not repeated: that would take it back.
      if (!isDeepStrictEqual(compared(changed, factsIn(system)), SAME)) await system.json(['undo']);
      expect({ seed, ...compared(changed, factsIn(system)) }).toEqual({ seed, ...SAME });
      // And it can be taken back in turn.
      if (seed % 4 === 1) {
        await system.json(['undo']);
        expect({ seed, ...compared(restored, factsIn(system)) }).toEqual({ seed, ...SAME });
      }
    }
    expect(begun).toBeGreaterThan(0);
    expect(await contents(store, 'backups/')).toEqual(before);
  },
  TIMEOUT_MS,
);

const SAME = { lost: [], extra: [] };

/** In what a tree is not the one that was expected. */
function compared(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>) {
  return {
    lost: [...expected].filter(([name, fact]) => found.get(name) !== fact),
    extra: [...found.keys()].filter((name) => !expected.has(name)),
  };
}

/** The site as it was changed, and no trace of restores before. */
function reset(system: System, pristine: string): void {
  fs.rmSync(system.site, { recursive: true });
  for (const name of fs.readdirSync(system.root))
    if (name.startsWith('.site.'))
      fs.rmSync(path.join(system.root, name), { recursive: true, force: true });
  execFileSync('cp', ['-a', pristine, system.site]);
}
