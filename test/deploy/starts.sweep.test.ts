// The stories of a deployment, begun at the moments at which calendars are unusual; each in a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** What `npm test` runs: it brings what a story needs. */
const PROGRAM = 'test/run.ts';
const STORIES = ['story', 'database', 'redeploy'].map((name) => `test/deploy/${name}.deploy`);
const HOUR_MS = 3_600_000;

const STARTS = {
  'a Sunday, a minute before the weekly backup is due': '2026-11-29T02:59:00Z',
  'the first day of a month': '2026-12-01T00:00:00Z',
  'the last minutes of a month': '2026-11-30T23:58:00Z',
  '29 February': '2028-02-29T12:00:00Z',
  'the last minutes of a year': '2026-12-31T23:58:00Z',
  'the hour before clocks go forward in Berlin': '2027-03-28T01:58:00+01:00',
  'the hour before clocks go back in Berlin': '2026-10-25T02:58:00+02:00',
};

describe.each(Object.entries(STARTS))('begun on %s', (_name, start) => {
  test.each(STORIES)(
    '%s holds',
    async (story) => {
      const env = {
        ...process.env,
        TZ: 'Europe/Berlin',
        HOLDFAST_DEPLOY: '1',
        HOLDFAST_STORY_START: start,
      };
      const child = spawn(process.execPath, [PROGRAM, story], {
        cwd: ROOT,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (text: Buffer) => (said += text.toString()));
      const [exit] = (await once(child, 'close')) as [number | null];
      expect({ exit, said: exit === 0 ? '' : said }).toEqual({ exit: 0, said: '' });
    },
    HOUR_MS,
  );
});
