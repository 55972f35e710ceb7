// The model of incidents over very many histories.
import { test } from '@jest/globals';
import fc from 'fast-check';
import { histories, live } from './incident-model.ts';

test('10,000 histories of incidents: nothing twice, nothing left out, nothing after an acknowledgement', async () => {
  await fc.assert(fc.asyncProperty(histories, live), { numRuns: 10_000 });
}, 3_600_000);
