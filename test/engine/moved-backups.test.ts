// Backups that lie in Glacier Instant Retrieval: everything is done with them as with any others.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backupLines } from '../../lib/cli/output/shown-backup.ts';
import { Terminal } from '../../lib/cli/output/terminal.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import { restoreTest } from '../../lib/engine/restore-test.ts';
import { showBackup } from '../../lib/engine/show.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { makeS3Client } from '../../lib/stores/s3/client.ts';
import { openS3Store } from '../../lib/stores/s3/store.ts';
import { noise, plant, Scratch } from '../support/archives.ts';
import { clocked } from '../support/clocked-store.ts';
import {
  backUpNow,
  Clock,
  DAY_MS,
  engineOn,
  folderSource,
  makeGood,
  restoreTo,
  treeOf,
} from '../support/engine.ts';
import { layFaults, type Faults } from '../support/faulty-handler.ts';
import { movedTo } from '../support/moved.ts';
import { startVersitygw, type Versitygw } from '../support/versitygw.ts';

let server: Versitygw;
let scratch: Scratch;
beforeAll(async () => {
  server = await startVersitygw();
  scratch = new Scratch();
});
afterAll(async () => {
  scratch[Symbol.dispose]();
  await server.stop();
});

test('a backup that was moved is shown, verified, tested, restored and built upon', async () => {
  const bucket = await server.makeBucket();
  const clock = new Clock();
  const storedAt = new Map<string, Date>();
  fs.mkdirSync(scratch.at('scratch'));
  const open = async (faults?: Faults): Promise<Engine> => {
    const place = server.place(bucket);
    const client = makeS3Client(place);
    layFaults(client, faults);
    const store = await openS3Store(place, { random: randomUUID, client });
    return engineOn(clocked(store, { clock, storedAt }), clock, { scratch: scratch.at('scratch') });
  };
  const root = scratch.at('site');
  plant(root, { 'a.md': '# A\n', 'film.bin': noise(5_000_000, 1) });
  const usual = await open();
  const made = await makeGood(usual, folderSource(root));
  expect((await showBackup(usual, made)).backup.storageClass).toBeUndefined();

  const moved = await open(movedTo('GLACIER_IR'));
  const shown = await showBackup(moved, made);
  expect(shown.backup.storageClass).toBe('GLACIER_IR');
  const text = backupLines(shown, [], new Terminal({ json: false, quiet: true })).join('\n');
  expect(text).toContain('Glacier Instant Retrieval, which is read at once');
  for (const level of ['digest', 'content'] as const)
    expect(await verifyBackup(moved, made, level)).toMatchObject({ verdict: 'proven' });
  expect(await restoreTest(moved, made)).toMatchObject({ verdict: 'proven' });
  await restoreTo(moved, made, scratch.at('restored'));
  expect(treeOf(scratch.at('restored'))).toEqual(treeOf(root));
  clock.advance(DAY_MS);
  const next = await backUpNow(moved, folderSource(root));
  expect(await verifyBackup(await open(), next, 'content')).toMatchObject({ verdict: 'proven' });
}, 60_000);
