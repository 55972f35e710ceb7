import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { openBackup } from '../../lib/engine/catalog/backups.ts';
import { restoreInPlace } from '../../lib/engine/restore/in-place.ts';
import { lastSafety } from '../../lib/engine/restore/safety.ts';
import { localSigner } from '../../lib/format/signed.ts';
import { plant, Scratch } from '../support/archives.ts';
import {
  Clock,
  ClockedStore,
  engineOn,
  folderSource,
  makeGood,
  makeKeys,
} from '../support/engine.ts';

const MINUTE_MS = 60_000;

test('undo takes back the restore that began last, although the id of one before it is later', async () => {
  using scratch = new Scratch();
  const folder = scratch.at('site');
  plant(folder, { 'index.html': 'as backed up' });
  const [clock, ahead] = [new Clock(), new Clock()];
  const [store, safety] = [new ClockedStore(clock), new ClockedStore(clock)];
  const { manifest } = await makeGood(engineOn(store, clock), folderSource(folder));
  const place = {
    folder,
    safety: scratch.at('safety'),
    openSafety: () => Promise.resolve(safety),
    safetySigner: localSigner(makeKeys().privateKey),
  };
  const restoreOver = async (content: string, by: Clock) => {
    fs.writeFileSync(path.join(folder, 'index.html'), content);
    const engine = engineOn(store, by);
    const options = { ...place, paths: [], owners: 'aside', remove: [], commands: [] } as const;
    await restoreInPlace(engine, await openBackup(engine, manifest.source, manifest.id), {
      ...options,
      dryRun: false,
      environment: {},
      confirm: () => Promise.resolve(),
    });
  };
  // Two machines share the folder; the clock of the first is ahead, as far as clocks are allowed to be.
  clock.advance(MINUTE_MS);
  ahead.ms = clock.ms + 4 * MINUTE_MS;
  await restoreOver('first', ahead);
  clock.advance(MINUTE_MS);
  await restoreOver('second', clock);
  const { steps } = await lastSafety(engineOn(store, clock), place);
  const ids = steps.map(({ backup }) => backup.manifest.id);
  const stored = [...safety.objects.keys()].filter((key) => key.endsWith('/manifest.json')).sort();
  expect(stored).toHaveLength(2);
  expect(stored[0]).toContain(ids[0]);
});
