// Which content the look of a month verifies, where that is not all of it every time.
import { describe, expect, test } from '@jest/globals';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { dueForContent } from '../../lib/functions/due-verifications.ts';
import { plant, Scratch } from '../support/archives.ts';
import { Clock, ClockedStore, engineOn, folderSource, makeGood } from '../support/engine.ts';

describe('content that is verified every quarter', () => {
  test('is verified by the first look of a month, and by the third after it', async () => {
    using scratch = new Scratch();
    plant(scratch.at('site'), { 'a.txt': 'a' });
    const clock = new Clock(new Date('2041-01-20T03:00:00Z'));
    const engine = engineOn(new ClockedStore(clock), clock);
    const { id } = await makeGood(engine, folderSource(scratch.at('site')));
    const looks: string[] = [];
    for (let month = 2; month <= 9; month++) {
      const look = new Date(Date.UTC(2041, month - 1, 1, 4, 30));
      clock.ms = look.getTime() + 600_000;
      // The same event comes twice.
      for (let time = 0; time < 2; time++) {
        const due = await dueForContent(engine, {
          since: look,
          contentMonths: 3,
          source: undefined,
          without: new Set(),
        });
        for (const backup of due) await verifyBackup(engine, backup, 'content');
        if (due.length > 0) looks.push(`${month}: ${due.map((one) => one.id).join()}`);
      }
    }
    expect(looks).toEqual([`2: ${id}`, `5: ${id}`, `8: ${id}`]);
  });
});
