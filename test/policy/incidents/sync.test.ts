// What opens an incident, what belongs to it, and when it is over.
import { describe, expect, test } from '@jest/globals';
import { changesOf, type Urgent } from '../../../lib/policy/incidents/sync.ts';
import { reviewOf } from '../../../lib/policy/incidents/review.ts';
import { conditionKey, type Incident } from '../../../lib/policy/incidents/state.ts';

const MINUTE = 60_000;
const T0 = new Date('2026-11-22T03:00:00Z').getTime();
const at = (minutes: number) => new Date(T0 + minutes * MINUTE);
const one = (subject: string, code: string): Urgent => ({ subject, code, detail: `${code} it is` });
const SUBJECTS = new Set(['site', 'db', 'store']);
const look = (minutes: number, ...urgent: Urgent[]) => ({
  at: at(minutes),
  urgent,
  subjects: SUBJECTS,
});

function incident(conditions: readonly Urgent[], more: Partial<Incident> = {}): Incident {
  return {
    ...{ id: '000001', openedAt: at(0), openedBy: 'me', title: 't', began: undefined, settleMs: 0 },
    conditions: new Map(
      conditions.map((each) => [
        conditionKey(each),
        { ...each, since: at(0), goodSince: undefined },
      ]),
    ),
    ...{ acknowledgements: [], resolved: undefined, lastWordAt: at(0), messages: new Map() },
    recoveries: new Map(),
    review: reviewOf([]),
    ...{ timeline: [], lastSequence: 1, ...more },
  };
}
const ACKNOWLEDGED = { acknowledgements: [{ at: at(1), who: 'me' }] };

describe('what becomes urgent', () => {
  test('in one look is one incident, however much it is', () => {
    const flood = Array.from({ length: 1000 }, (_, index) => one(`s${index}`, 'failed'));
    expect(changesOf([], look(0, ...flood))).toEqual([
      { event: 'opened', conditions: flood, settleMs: 0 },
    ]);
  });

  test('began when the first of it did, as far as that is known', () => {
    const since = (minutes: number) => ({ ...one('site', 'failed'), since: at(minutes) });
    expect(changesOf([], look(0, one('db', 'damaged'), since(-20), since(-30)))).toMatchObject([
      { event: 'opened', began: at(-30) },
    ]);
    expect(changesOf([], look(0, one('db', 'damaged')))).toMatchObject([{ began: undefined }]);
  });

  test('and is known already changes nothing', () => {
    expect(changesOf([incident([one('site', 'failed')])], look(5, one('site', 'failed')))).toEqual(
      [],
    );
  });

  test('in the stack soon after belongs to the same, acknowledged or not, and does not keep it open', () => {
    const letters = one('dead-letters', 'dead-letters');
    const open = incident([one('site', 'failed')], ACKNOWLEDGED);
    expect(changesOf([open], look(10, one('site', 'failed'), letters))).toMatchObject([
      { event: 'joined', conditions: [letters] },
    ]);
    const both = incident([one('site', 'failed'), letters]);
    expect(changesOf([both], look(20, letters)).map(({ event }) => event)).toEqual([
      'recovered',
      'resolved',
    ]);
    // What outlasts it is one of its own, which is told at once and has nothing to settle.
    const over = { ...both, resolved: { at: at(20), who: 'me', how: 'proven' as const } };
    expect(changesOf([over], look(35, letters))).toMatchObject([
      { event: 'opened', conditions: [letters], settleMs: 0 },
    ]);
  });

  test('soon after belongs to the same, until somebody has acknowledged that', () => {
    const open = incident([one('site', 'failed')]);
    const now = look(10, one('site', 'failed'), one('db', 'failed'));
    expect(changesOf([open], now)).toMatchObject([{ event: 'joined', incident: '000001' }]);
    expect(changesOf([{ ...open, ...ACKNOWLEDGED }], now)).toMatchObject([{ event: 'opened' }]);
    const later = { ...now, at: at(16) };
    expect(changesOf([open], later)).toMatchObject([{ event: 'opened' }]);
  });

  test('from the same cause is no news, even to whoever has acknowledged it', () => {
    const open = incident([one('site', 'failed')], ACKNOWLEDGED);
    const now = look(600, one('site', 'failed'), one('site', 'late'));
    expect(changesOf([open], now)).toMatchObject([{ event: 'joined' }]);
    const damaged = look(600, one('site', 'failed'), one('site', 'damaged'));
    expect(changesOf([open], damaged)).toMatchObject([{ event: 'opened' }]);
  });
});

describe('a condition that names backups', () => {
  const damaged = (id: string): Urgent => ({
    ...one('site', 'damaged'),
    detail: `${id} is broken`,
  });

  test('names all of them', () => {
    expect(changesOf([], look(0, damaged('a'), damaged('b')))).toMatchObject([
      { event: 'opened', conditions: [{ detail: 'a is broken; b is broken' }] },
    ]);
  });

  test('is recorded again when it is about another one, also after it was over', () => {
    const open = incident([damaged('a')]);
    expect(changesOf([open], look(9, damaged('a')))).toEqual([]);
    expect(changesOf([open], look(9, damaged('b')))).toMatchObject([
      { event: 'joined', conditions: [{ detail: 'b is broken' }] },
    ]);
    const [known] = open.conditions.values();
    const over = new Map([['site/damaged', { ...damaged('a'), since: at(0), goodSince: at(1) }]]);
    expect(
      known && changesOf([{ ...open, conditions: over }], look(9, damaged('b'))),
    ).toMatchObject([{ event: 'relapsed', conditions: [{ detail: 'b is broken' }] }]);
  });

  test('is not recorded again when a detail only tells the time', () => {
    const late = (text: string): Urgent => ({ ...one('site', 'late'), detail: text });
    expect(changesOf([incident([late('2 h')])], look(9, late('3 h')))).toEqual([]);
  });
});

describe('an incident is over', () => {
  test('when all that opened it is good again', () => {
    const open = incident([one('site', 'failed'), one('db', 'failed')]);
    expect(changesOf([open], look(5, one('db', 'failed')))).toMatchObject([
      { event: 'recovered', conditions: [{ subject: 'site' }] },
    ]);
    expect(changesOf([open], look(5))).toMatchObject([
      { event: 'recovered' },
      { event: 'resolved' },
    ]);
  });

  test('never because what it is about was not looked at', () => {
    const open = incident([one('gone', 'failed')]);
    expect(changesOf([open], look(5))).toEqual([]);
  });

  test('never by itself when a person opened it', () => {
    expect(changesOf([incident([])], look(5))).toEqual([]);
  });
});

test('what comes and goes is one long incident after the first time', () => {
  const over = incident([one('site', 'failed')], {
    resolved: { at: at(10), who: 'me', how: 'proven' },
  });
  const [opened] = changesOf([over], look(20, one('site', 'failed')));
  expect(opened).toMatchObject({ event: 'opened', settleMs: 60 * MINUTE });
  const flapping = incident([one('site', 'failed')], { id: '000002', settleMs: 60 * MINUTE });
  expect(changesOf([flapping], look(30))).toMatchObject([{ event: 'recovered' }]);
  const calm = incident([], {
    settleMs: 60 * MINUTE,
    conditions: new Map([
      ['site/failed', { ...one('site', 'failed'), since: at(0), goodSince: at(30) }],
    ]),
  });
  expect(changesOf([calm], look(89))).toEqual([]);
  expect(changesOf([calm], look(40, one('site', 'failed')))).toMatchObject([{ event: 'relapsed' }]);
  expect(changesOf([calm], look(90))).toMatchObject([{ event: 'resolved' }]);
});
