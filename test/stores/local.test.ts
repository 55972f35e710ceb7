import { mkdtemp, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLocalStore } from '../../lib/stores/local.ts';
import { storeContract } from './contract.ts';

async function opened(options: { hardLinks?: boolean } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
  const store = await openLocalStore(join(folder, 'store'), { random: randomUUID, ...options });
  return { store, cleanup: () => rm(folder, { recursive: true }) };
}

storeContract('folder', () => opened());
storeContract('folder without hard links', () => opened({ hardLinks: false }));
