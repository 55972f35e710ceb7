// What people read: the messages as they arrive, and what hostile text in them comes to.
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { Config } from '../../lib/config/config.ts';
import type { AlarmChange } from '../../lib/alerts/alarm-change.ts';
import { alarmMessage, isWorthTelling, reportMessage } from '../../lib/alerts/message.ts';
import { plain, subjectLine } from '../../lib/alerts/plain-text.ts';
import { machineSender } from '../../lib/alerts/sender.ts';
import { SENDER } from './incident-engine.ts';

const HOUR_MS = 3_600_000;

const CONFIG = {
  system: 'shop',
  sources: [{ kind: 'files', name: 'site', rpoMs: 24 * HOUR_MS, rtoMs: HOUR_MS }],
} as unknown as Config;

const LATE: AlarmChange = {
  alarm: 'holdfast-shop/sources/site/late',
  state: 'ALARM',
  since: new Date('2026-11-22T03:00:00Z'),
  previous: 'OK',
  previousSince: new Date('2026-11-01T00:00:00Z'),
  means: 'site: there is no good backup younger than 26 hours, or nobody could tell.',
  reason:
    'Threshold Crossed: 4 datapoints [97201.0 (22/11/26 02:45:00)] were greater than the threshold (93600.0).',
};

const DAY = {
  at: new Date('2026-11-22T08:00:00Z'),
  storedBytes: 1_234_567,
  verdict: 'fine' as const,
  unwell: [],
  sources: [
    {
      name: 'site',
      newestGoodAgeMs: 5 * HOUR_MS,
      lastProofAgeMs: 5 * HOUR_MS,
      lastRestoreTestAgeMs: undefined,
      backupBytes: 400_000,
    },
  ],
};

const NOTHING = {
  newestGoodAgeMs: undefined,
  lastProofAgeMs: undefined,
  lastRestoreTestAgeMs: undefined,
  backupBytes: undefined,
};

const MESSAGES = {
  alarm: () => alarmMessage(LATE, CONFIG, SENDER),
  resolved: () =>
    alarmMessage(
      {
        ...LATE,
        state: 'OK',
        previous: 'ALARM',
        previousSince: LATE.since,
        since: new Date('2026-11-22T04:30:00Z'),
      },
      CONFIG,
      SENDER,
    ),
  unknown: () =>
    alarmMessage({ ...LATE, state: 'INSUFFICIENT_DATA', previous: 'ALARM' }, CONFIG, SENDER),
  store: () =>
    alarmMessage(
      { ...LATE, alarm: 'holdfast-shop/store/hidden', means: 'A manifest is covered.' },
      CONFIG,
      SENDER,
    ),
  'all-is-well': () => reportMessage(DAY, CONFIG, SENDER),
  'not-well': () =>
    reportMessage(
      { ...DAY, verdict: 'alarm', unwell: ['site: the newest good backup is 3 days old'] },
      CONFIG,
      SENDER,
    ),
  'not-yet': () =>
    reportMessage(
      {
        ...DAY,
        verdict: 'watch',
        unwell: ['site: it was never backed up; its next run is due at 2026-11-23T02:00:00.000Z'],
        sources: DAY.sources.map(({ name }) => ({ name, ...NOTHING })),
      },
      CONFIG,
      SENDER,
    ),
  watch: () =>
    alarmMessage(
      {
        ...LATE,
        alarm: 'holdfast-shop/sources/site/partial',
        means: 'site: the newest backup lacks something.',
      },
      CONFIG,
      SENDER,
    ),
};

describe('a message', () => {
  test.each(Object.entries(MESSAGES))('%s reads as in its fixture', (name, make) => {
    const { subject, body } = make();
    const file = new URL(`../fixtures/messages/${name}.txt`, import.meta.url);
    const text = `Subject: ${subject}\n\n${body}\n`;
    if (process.env['HOLDFAST_UPDATE'] !== undefined) fs.writeFileSync(file, text);
    expect(text).toBe(fs.readFileSync(file, 'utf8'));
  });

  test('is written for every change that matters, and for no other', () => {
    const worth = (state: AlarmChange['state'], previous: AlarmChange['previous']) =>
      isWorthTelling({ ...LATE, state, previous });
    expect(worth('ALARM', 'OK')).toBe(true);
    expect(worth('ALARM', 'INSUFFICIENT_DATA')).toBe(true);
    expect(worth('ALARM', undefined)).toBe(true);
    expect(worth('OK', 'ALARM')).toBe(true);
    expect(worth('INSUFFICIENT_DATA', 'ALARM')).toBe(true);
    expect(worth('OK', 'INSUFFICIENT_DATA')).toBe(false);
    expect(worth('INSUFFICIENT_DATA', 'OK')).toBe(false);
  });
});

const HOSTILE = [
  'site\r\nBcc: everybody@example.com',
  '<script>alert(1)</script>',
  '<!channel> look',
  '@everyone',
  '[click](https://evil.example/)',
  '\u202egnp.exe',
  'a\u0000b\u001b[31mred',
  '`rm -rf`',
  'x'.repeat(10_000),
];

test('an alarm that the configuration does not have may be the worst, and is told with its name', () => {
  const { subject, body } = alarmMessage(
    { ...LATE, alarm: 'holdfast-shop/sources/gone/partial' },
    CONFIG,
    SENDER,
  );
  expect(subject).toContain('] ALARM: ');
  expect(body).toContain('alarm    holdfast-shop/sources/gone/partial\n');
  expect(body).toContain('next     holdfast status says how everything stands.');
});

describe('hostile text', () => {
  test.each(HOSTILE)('%j', (text) => {
    const { subject, body } = alarmMessage(
      { ...LATE, alarm: `holdfast-shop/${text}/late`, means: text, reason: text },
      CONFIG,
      SENDER,
    );
    expect(subject).toMatch(/^[\x20-\x7e]{1,100}$/);
    for (const part of [subject, body]) {
      expect(part).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202a-\u202e]/);
      expect(part).not.toMatch(/<|>|@|\]\(|:\/\/|`(?!tolerate|retention)/);
    }
    expect(body.split('\n').some((line) => line.startsWith('Bcc:'))).toBe(false);
    expect(body.length).toBeLessThan(3000);
  });

  test('is cut where it is too long, and never in a subject that is not ASCII', () => {
    expect(plain('abcdef', 4)).toBe('abc…');
    expect(subjectLine('shop', 'Größe …')).toBe('[Holdfast shop] Gr??e ...');
    expect(subjectLine('shop', 'y'.repeat(200))).toHaveLength(100);
  });
});

describe('a subject', () => {
  test('is cut after a word, and keeps its end', () => {
    const title = `ALARM: database: ${'something long, '.repeat(20)}`;
    const subject = subjectLine('shop', title, ', incident 12');
    expect(subject).toMatch(
      /^\[Holdfast shop\] ALARM: database: (something long, )*something( long)?\.\.\., incident 12$/,
    );
    expect(subject.length).toBeLessThanOrEqual(100);
    expect(subject.length).toBeGreaterThan(80);
  });

  test('stays as it is where it fits', () => {
    const title = 'x'.repeat(84);
    expect(subjectLine('shop', title)).toBe(`[Holdfast shop] ${title}`);
  });
});

test('a message says on which machine and in which folder its commands run', () => {
  expect(machineSender('deploy@web1', '/srv/site/holdfast.yaml')).toEqual({
    from: 'deploy on web1, /srv/site/holdfast.yaml',
    commands: 'Run these commands on web1 in /srv/site, with npx before holdfast.',
  });
  expect(machineSender('deploy@web1', '/srv/site/staging.yaml').commands).toBe(
    'Run these commands on web1 in /srv/site, with npx before holdfast and with --config staging.yaml.',
  );
});
