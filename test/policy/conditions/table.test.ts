// The table of conditions holds together, and the runbook has a section for everything that people are told of.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { RESOURCE_METRICS, SOURCE_METRICS, SYSTEM_METRICS } from '../../../lib/names/metrics.ts';
import {
  alarmOf,
  CONDITION_CODES,
  CONDITIONS,
  conditionOf,
  finding,
  isBreached,
  isUnwell,
  opensIncident,
  sorted,
  type ConditionCode,
} from '../../../lib/policy/conditions/table.ts';

const RUNBOOK = readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8');
const HEADINGS = [...RUNBOOK.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-'),
);
const watched = CONDITION_CODES.filter((code) => conditionOf(code).watched !== undefined);

describe('the table', () => {
  test.each(CONDITION_CODES)('names only conditions that are there: %s', (code) => {
    const { alarm, covers = [] } = conditionOf(code);
    for (const other of [...(alarm === undefined ? [] : [alarm]), ...covers])
      expect(CONDITION_CODES).toContain(other);
    if (alarm !== undefined) expect(conditionOf(alarm as ConditionCode).watched).toBeDefined();
  });

  test('has an alarm for everything that somebody has to act on', () => {
    const untold = CONDITION_CODES.filter(
      (code) =>
        // What one machine sees, no function can.
        conditionOf(code).about !== 'machine' &&
        CONDITIONS[code].severity === 'alarm' &&
        alarmOf(code, true) === undefined,
    );
    expect(untold).toEqual([]);
  });

  test('never tells of a condition by an alarm that is less grave', () => {
    for (const code of CONDITION_CODES) {
      const alarm = alarmOf(code, true);
      if (conditionOf(code).severity === 'alarm' && alarm !== undefined)
        expect([code, conditionOf(alarm).severity]).toEqual([code, 'alarm']);
    }
    expect(watched.length).toBeGreaterThan(20);
  });

  test('covers nothing grave by what is only worth a look, and never in a circle', () => {
    for (const code of CONDITION_CODES)
      for (const other of conditionOf(code).covers ?? []) {
        const covered = conditionOf(other as ConditionCode);
        if (covered.severity === 'alarm')
          expect([code, conditionOf(code).severity]).toEqual([code, 'alarm']);
        expect(covered.covers ?? []).not.toContain(code);
      }
  });

  test.each(watched)('says what %s means and what to do', (code) => {
    const { sentence, means = '', next = [], runbook = '' } = conditionOf(code);
    expect(sentence).toMatch(/^\S.*[^.]$/);
    expect(means).toMatch(/\.$/);
    expect(next.length).toBeGreaterThan(0);
    expect(runbook).toBe(`alarm-${code}`);
  });
});

describe('the runbook', () => {
  test('has every section to which the table leads', () => {
    const anchors = CONDITION_CODES.flatMap((code) => conditionOf(code).runbook ?? []);
    expect(anchors.filter((anchor) => !HEADINGS.includes(anchor))).toEqual([]);
  });

  test('has no section about an alarm that does not exist', () => {
    const alarms = HEADINGS.filter((heading) => heading.startsWith('alarm-'));
    expect(alarms.sort()).toEqual(watched.map((code) => `alarm-${code}`).sort());
  });
});

test('nothing is called well while a condition holds that people are told of at once', () => {
  const told = CONDITION_CODES.filter((code) => opensIncident({ code }));
  expect(told).toContain('partial');
  expect(told.filter((code) => !isUnwell({ code }))).toEqual([]);
});

test('what a graver condition covers is not said beside it, and alarms come first', () => {
  const all = (['due', 'late', 'flood', 'missed', 'rpo'] as const).map((code) => finding(code, ''));
  expect(sorted(all).map(({ code }) => code)).toEqual(['late', 'flood']);
});

test('an alarm about a source that is not configured is one of the store, and a look by day is not one', () => {
  expect(alarmOf('missing', true)).toBe('damaged');
  expect(alarmOf('missing', false)).toBe('unconfigured');
  expect(alarmOf('partial', false)).toBeUndefined();
  expect(alarmOf('untrusted', false)).toBe('untrusted');
});

test('a value is on the wrong side of a threshold or not, and one that is not known is on none', () => {
  expect([99, 100, 101].map((value) => isBreached({ breach: 'above' }, value, 100))).toEqual([
    ...[false, false, true],
  ]);
  expect([99, 100].map((value) => isBreached({ breach: 'atLeast' }, value, 100))).toEqual([
    ...[false, true],
  ]);
  expect([0, 1].map((value) => isBreached({ breach: 'below' }, value, 1))).toEqual([true, false]);
  expect(isBreached({ breach: 'below' }, undefined, 1)).toBe(false);
  expect(isBreached({ breach: 'above' }, 1, undefined)).toBe(false);
});

test('every metric of the table about sources, resources and the store is one that is published', () => {
  const published: Readonly<Record<string, object>> = {
    source: SOURCE_METRICS,
    resource: RESOURCE_METRICS,
    store: SYSTEM_METRICS,
  };
  for (const code of CONDITION_CODES) {
    const { about, watched } = conditionOf(code);
    const metrics = published[about];
    if (watched === undefined || metrics === undefined) continue;
    expect(Object.keys(metrics)).toContain(watched.metric);
  }
});
