// What commands say where several backups share a file of a folder: what was read, what is damaged, what is shared.
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { noise } from '../support/archives.ts';
import { makeSystem, type System } from '../support/system.ts';

let system: System;

beforeEach(() => {
  const plant = (site: string) => {
    fs.mkdirSync(site);
    fs.writeFileSync(path.join(site, 'photo.jpg'), noise(300_000, 1));
  };
  system = makeSystem({ plant, source: 'prune: { afterBackup: false }' });
});
afterEach(() => system[Symbol.dispose]());

interface Made {
  readonly sources: readonly [{ readonly id: string }];
}

async function backUp(): Promise<string> {
  const { sources } = await system.json<Made>(['backup']);
  return sources[0].id;
}

/** The archive of a backup in the folder of the store. */
function archiveOf(id: string): string {
  const folder = path.join(system.folder, 'backups/site', id);
  const name = fs.readdirSync(folder).find((one) => one.startsWith('archive-'));
  return path.join(folder, name ?? '');
}

describe('files that several backups share', () => {
  test('are read by the first run alone, and `verify --all` tells damage in them once', async () => {
    const first = await backUp();
    const { stdout } = await system.run(['backup']);
    expect(stdout).toMatch(/proven: 29\d\.\d KiB unchanged since it was read at .* UTC in/);
    const [, second = ''] = fs.readdirSync(path.join(system.folder, 'backups/site')).sort();
    const bytes = fs.readFileSync(archiveOf(first));
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    fs.writeFileSync(archiveOf(first), bytes);
    const verified = await system.run(['verify', '--all']);
    expect(verified.exit).toBe(4);
    const lines = verified.stdout.split('\n');
    expect(lines.filter((line) => line.includes('photo.jpg'))).toHaveLength(1);
    expect(verified.stdout).toContain(`also damaged, as they share this: site/${second}\n`);
    expect(lines.filter((line) => line.startsWith('damaged'))).toHaveLength(2);
    expect(verified.stdout).toContain(`damaged: it shares what is damaged in site/${first}\n`);
  });

  test('are counted once by `status`, named by `show`, and missed by `doctor` in a copy', async () => {
    const first = await backUp();
    const second = await backUp();
    const status = await system.run(['status']);
    expect(status.stdout).toMatch(
      /kept +2 backups, 2 good, 29\d\.\d KiB, of which 2 backups share 29\d\.\d KiB/,
    );
    const show = await system.run(['show', second]);
    expect(show.stdout).toMatch(
      new RegExp(`shared +29\\d\\.\\d KiB of it, with 1 backup: ${first}\\n`),
    );
    const linked = await system.run(['doctor']);
    expect(linked.stdout).not.toContain('hard links');
    fs.cpSync(system.folder, `${system.folder}-copy`, {
      recursive: true,
      preserveTimestamps: true,
    });
    fs.rmSync(system.folder, { recursive: true });
    fs.renameSync(`${system.folder}-copy`, system.folder);
    const apart = await system.run(['doctor']);
    expect(apart.stdout).toMatch(
      /copied without its hard links: 1 file more than before, 29\d\.\d KiB larger/,
    );
    expect((await system.run(['verify', '--all'])).exit).toBe(0);
  });
});
