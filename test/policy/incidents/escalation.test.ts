// Who is told of an incident, and when: to the second.
import { describe, expect, test } from '@jest/globals';
import {
  dueOf,
  escalationOf,
  isUnfinished,
  phaseOf,
  type EscalationPolicy,
} from '../../../lib/policy/incidents/escalation.ts';
import { incidentOf, timesOf, type IncidentEvent } from '../../../lib/policy/incidents/state.ts';
import { weekHours } from '../../../lib/policy/week-hours.ts';

const MINUTE = 60_000;
const T0 = new Date('2026-11-22T03:00:00Z').getTime();
const at = (minutes: number) => new Date(T0 + Math.round(minutes * MINUTE));

const step = (afterMin: number, contact: string, repeatMin?: number) => ({
  afterMs: afterMin * MINUTE,
  targets: [{ sink: 'mail', contact }],
  repeatMs: repeatMin === undefined ? undefined : repeatMin * MINUTE,
});
const POLICY: EscalationPolicy = {
  steps: [step(0, 'engineering'), step(30, 'management'), step(60, 'executives')],
  resumeMs: undefined,
  remindMs: undefined,
};

function event(name: string, minutes: number, more: Partial<IncidentEvent> = {}): IncidentEvent {
  return {
    ...{ incident: '000001', sequence: 1, event: name, detail: undefined, who: 'me@host' },
    ...{ at: at(minutes), text: undefined, began: undefined, how: undefined, again: true },
    ...{ settleMs: 0, conditions: [], ...more },
  };
}
const OPENED = event('opened', 0, {
  conditions: [{ subject: 'site', code: 'failed', detail: 'the last run failed' }],
});
const sent = (detail: string, minutes: number) => [
  event('claim', minutes, { sequence: 0, detail }),
  event('sent', minutes, { sequence: 0, detail }),
];

function due(events: readonly IncidentEvent[], minutes: number, policy = POLICY): string[] {
  const incident = incidentOf(events);
  if (incident === undefined) throw new Error('nothing opened it');
  return dueOf(incident, policy, at(minutes)).map(
    ({ target, event: what, attempt }) => `${what} ${target.contact ?? target.sink} ${attempt}`,
  );
}

describe('the three levels at 0, 30 and 60 minutes', () => {
  const told = sent('p0.s0.r0_mail_engineering.1', 0);

  test('begin at once, and each comes at its time and not a second before', () => {
    expect(due([OPENED], 0)).toEqual(['opened engineering 1']);
    expect(due([OPENED, ...told], 29 + 59 / 60)).toEqual([]);
    expect(due([OPENED, ...told], 30)).toEqual(['opened management 1']);
    const both = [OPENED, ...told, ...sent('p0.s1.r0_mail_management.1', 30)];
    expect(due(both, 59 + 59 / 60)).toEqual([]);
    expect(due(both, 60)).toEqual(['opened executives 1']);
  });

  test('catch up on everything that was missed', () => {
    expect(due([OPENED], 600)).toEqual([
      'opened engineering 1',
      'opened management 1',
      'opened executives 1',
    ]);
  });

  test('stop at an acknowledgement one second before the next', () => {
    const acknowledged = event('acknowledged', 29 + 59 / 60, { sequence: 2 });
    expect(due([OPENED, ...told, acknowledged], 30)).toEqual([]);
    expect(due([OPENED, ...told, acknowledged], 10_000)).toEqual([]);
  });

  test('tell in one message what joined, when nothing joined for two minutes', () => {
    const damaged = event('joined', 1, {
      sequence: 2,
      conditions: [{ subject: 'assets', code: 'damaged', detail: 'found damaged' }],
    });
    const missing = event('joined', 5, {
      sequence: 3,
      conditions: [{ subject: 'content', code: 'missing', detail: 'it is gone' }],
    });
    const joined = [OPENED, ...told, damaged];
    expect(due(joined, 2 + 59 / 60)).toEqual([]);
    expect(due(joined, 3)).toEqual(['opened engineering 1']);
    const first = [...joined, ...sent(`j${at(1).getTime()}_mail_engineering.1`, 3), missing];
    expect(due(first, 6)).toEqual([]);
    expect(due(first, 7)).toEqual(['opened engineering 1']);
    expect(due([...first, ...sent(`j${at(5).getTime()}_mail_engineering.1`, 7)], 29)).toEqual([]);
    const good = event('recovered', 2, { sequence: 4, conditions: damaged.conditions });
    expect(due([...joined, good], 20)).toEqual([]);
  });

  test('tell each time that a condition names more, and nothing when it names less', () => {
    const detail = (minute: number, text: string) =>
      event('joined', minute, {
        sequence: minute + 1,
        conditions: [{ subject: 'site', code: 'damaged', detail: text }],
      });
    const opened = event('opened', 0, {
      conditions: [{ subject: 'site', code: 'damaged', detail: 'A' }],
    });
    const both = [opened, ...told, detail(5, 'A; B')];
    expect(due(both, 8)).toEqual(['opened engineering 1']);
    const heard = [...both, ...sent(`j${at(5).getTime()}_mail_engineering.1`, 8)];
    expect(due([...heard, detail(10, 'B')], 20)).toEqual([]);
    const again = [...heard, detail(12, 'B; C')];
    expect(due(again, 20)).toEqual(['opened engineering 1']);
    expect(due([...again, ...sent(`j${at(12).getTime()}_mail_engineering.1`, 20)], 29)).toEqual([]);
  });

  test('end when it is resolved, which whoever was told hears, and nobody else', () => {
    const resolved = event('resolved', 20, { sequence: 2, how: 'proven' });
    expect(due([OPENED, ...told, resolved], 45)).toEqual(['resolved engineering 1']);
    expect(due([OPENED, resolved], 45)).toEqual([]);
    const end = sent('end_mail_engineering.1', 21);
    expect(due([OPENED, ...told, resolved, ...end], 45)).toEqual([]);
  });
});

describe('a message', () => {
  const claim = (number: number, minutes: number) =>
    event('claim', minutes, { sequence: 0, detail: `p0.s0.r0_mail_engineering.${number}` });
  const failed = (number: number, minutes: number, again = true) =>
    event('failed', minutes, { sequence: 0, detail: `p0.s0.r0_mail_engineering.${number}`, again });

  test('that another run has taken on is left to it, until that run must have died', () => {
    expect(due([OPENED, claim(1, 0)], 1.9)).toEqual([]);
    expect(due([OPENED, claim(1, 0)], 2)).toEqual(['opened engineering 2']);
  });

  test('that failed is tried again after pauses that grow, and the next step does not wait', () => {
    const policy = POLICY;
    expect(due([OPENED, claim(1, 0), failed(1, 0)], 0.5, policy)).toEqual(['opened management 1']);
    expect(due([OPENED, claim(1, 0), failed(1, 0)], 1)).toContain('opened engineering 2');
    const twice = [OPENED, claim(1, 0), failed(1, 0), claim(2, 1), failed(2, 1)];
    expect(due(twice, 2.9)).not.toContain('opened engineering 3');
    expect(due(twice, 3)).toContain('opened engineering 3');
  });

  test('that was refused for good is tried again each quarter of an hour: somebody may have corrected it', () => {
    const refused = [OPENED, claim(1, 0), failed(1, 0, false)];
    expect(due(refused, 14.9)).not.toContain('opened engineering 2');
    expect(due(refused, 15)).toContain('opened engineering 2');
  });

  test('repeats while nobody acknowledges, and what was missed is not made up for', () => {
    const policy = { ...POLICY, steps: [step(0, 'engineering', 10)] };
    const first = [OPENED, ...sent('p0.s0.r0_mail_engineering.1', 0)];
    expect(due(first, 9.9, policy)).toEqual([]);
    expect(due(first, 10, policy)).toEqual(['opened engineering 1']);
    expect(due(first, 95, policy)).toEqual(['opened engineering 1']);
  });
});

describe('after an acknowledgement', () => {
  const policy: EscalationPolicy = { ...POLICY, resumeMs: 60 * MINUTE, remindMs: 20 * MINUTE };
  const told = sent('p0.s0.r0_mail_engineering.1', 0);
  const acknowledged = event('acknowledged', 5, { sequence: 2 });

  test('it begins anew if it is not resolved in time', () => {
    expect(phaseOf({ openedAt: at(0), acknowledgements: [] }, policy, at(1))?.number).toBe(0);
    const acknowledgements = [{ at: at(5), who: 'me' }];
    expect(phaseOf({ openedAt: at(0), acknowledgements }, policy, at(64))).toBeUndefined();
    expect(phaseOf({ openedAt: at(0), acknowledgements }, policy, at(65))).toEqual({
      number: 1,
      since: at(65),
    });
    expect(due([OPENED, ...told, acknowledged], 65, policy)).toEqual(['opened engineering 1']);
    expect(due([OPENED, ...told, acknowledged], 95, policy)).toContain('opened management 1');
  });

  test('another acknowledgement holds it for longer', () => {
    const acknowledgements = [
      { at: at(5), who: 'me' },
      { at: at(60), who: 'me' },
    ];
    expect(phaseOf({ openedAt: at(0), acknowledgements }, policy, at(119))).toBeUndefined();
    expect(phaseOf({ openedAt: at(0), acknowledgements }, policy, at(120))?.since).toEqual(at(120));
  });

  test('a reminder asks for a word, and a word holds it back', () => {
    expect(due([OPENED, ...told, acknowledged], 24.9, policy)).toEqual([]);
    expect(due([OPENED, ...told, acknowledged], 25, policy)).toEqual(['reminder engineering 1']);
    const noted = event('noted', 24, { sequence: 3, text: 'restoring' });
    expect(due([OPENED, ...told, acknowledged, noted], 43, policy)).toEqual([]);
  });
});

describe('a service that calls people by itself', () => {
  const policy = { ...POLICY, callers: new Set(['mail']) };
  const told = [
    OPENED,
    ...sent('p0.s0.r0_mail_engineering.1', 0),
    ...sent('p0.s1.r0_mail_management.1', 30),
  ];
  const acknowledged = event('acknowledged', 31, { sequence: 2 });

  test('hears once of each acknowledgement, and of the end', () => {
    expect(due(told, 31, policy)).toEqual([]);
    expect(due([...told, acknowledged], 31, policy)).toEqual(['acknowledged mail 1']);
    const heard = [...told, acknowledged, ...sent('k1_mail.1', 31)];
    expect(due(heard, 32, policy)).toEqual([]);
    const again = event('acknowledged', 40, { sequence: 3 });
    expect(due([...heard, again], 41, policy)).toEqual(['acknowledged mail 1']);
    const over = event('resolved', 50, { sequence: 4 });
    expect(due([...heard, over], 51, policy).toSorted()).toEqual([
      'resolved engineering 1',
      'resolved management 1',
    ]);
  });

  test('hears of none where it was not called, and of none before, once it starts again', () => {
    expect(due([OPENED, event('acknowledged', 1, { sequence: 2 })], 2, policy)).toEqual([]);
    expect(due([...told, acknowledged], 31 + 60, { ...policy, resumeMs: 60 * MINUTE })).toEqual([
      'opened engineering 1',
    ]);
  });

  test('hears of it in quiet hours, too', () => {
    const always = weekHours(['Mon-Sun 00:00-24:00'], 'UTC');
    const quiet = { ...policy, quiet: { alarm: always } };
    expect(due([...told, acknowledged], 31, quiet)).toEqual(['acknowledged mail 1']);
  });
});

describe('quiet hours', () => {
  // It began at 03:00 UTC, and at 07:00, after four hours, people are awake.
  const night = weekHours(['22:00-07:00'], 'UTC');
  const policy: EscalationPolicy = {
    ...POLICY,
    steps: [step(0, 'engineering', 10), ...POLICY.steps.slice(1)],
    quiet: { watch: night },
  };
  const partial = event('opened', 0, {
    conditions: [{ subject: 'site', code: 'partial', detail: 'it lacks something' }],
  });

  test('hold back what is worth a look by day, and say so', () => {
    expect(due([partial], 239, policy)).toEqual([]);
    const incident = incidentOf([partial]);
    expect(incident && escalationOf(incident, policy, at(0)).held).toEqual([
      'it is quiet for what is worth a look by day (22:00-07:00)',
    ]);
    expect(due([partial], 240, policy)).toEqual(['opened engineering 1']);
  });

  test('do not count: the second step comes half an hour after people are awake', () => {
    const told = sent('p0.s0.r0_mail_engineering.1', 240);
    expect(due([partial, ...told], 249, policy)).toEqual([]);
    expect(due([partial, ...told], 250, policy)).toEqual(['opened engineering 1']);
    expect(due([partial, ...told], 269, policy)).not.toContain('opened management 1');
    expect(due([partial, ...told], 270, policy)).toContain('opened management 1');
  });

  test('hold back no alarm, and end when one joins', () => {
    expect(due([OPENED], 0, policy)).toEqual(['opened engineering 1']);
    const joined = event('joined', 60, {
      sequence: 2,
      conditions: [{ subject: 'site', code: 'failed', detail: 'it failed' }],
    });
    expect(due([partial, joined], 60, policy)).toContain('opened engineering 1');
    // The hour before did not count.
    expect(due([partial, joined], 89, policy)).not.toContain('opened management 1');
    expect(due([partial, joined], 90, policy)).toContain('opened management 1');
  });

  test('hold back alarms where that is wanted, also what is over and what has no word', () => {
    const quiet = { ...policy, quiet: { alarm: night }, remindMs: 20 * MINUTE };
    expect(due([OPENED], 30, quiet)).toEqual([]);
    const told = sent('p0.s0.r0_mail_engineering.1', -400);
    const acknowledged = event('acknowledged', 1, { sequence: 2 });
    expect(due([OPENED, ...told, acknowledged], 239, quiet)).toEqual([]);
    expect(due([OPENED, ...told, acknowledged], 260, quiet)).toEqual(['reminder engineering 1']);
    const over = [OPENED, ...told, event('resolved', 2, { sequence: 2 })];
    expect(due(over, 100, quiet)).toEqual([]);
    expect(due(over, 240, quiet)).toEqual(['resolved engineering 1']);
    // A run has to look at it until then.
    const unfinished = (events: readonly IncidentEvent[], minutes: number) =>
      isUnfinished(incidentOf(events) as NonNullable<ReturnType<typeof incidentOf>>, at(minutes));
    expect(unfinished(over, 239)).toBe(true);
    expect(unfinished([...over, ...sent('end_mail_engineering.1', 241)], 242)).toBe(false);
    expect(unfinished(over, 8 * 24 * 60)).toBe(false);
  });
});

describe('a contact outside its hours', () => {
  const hours = weekHours(['Mon-Sun 08:00-18:00'], 'UTC');
  const external = {
    afterMs: 30 * MINUTE,
    targets: [{ sink: 'mail', contact: 'support', who: 'support', hours }],
    repeatMs: undefined,
  };
  const policy = { ...POLICY, steps: [step(0, 'engineering'), external, step(60, 'executives')] };
  const told = sent('p0.s0.r0_mail_engineering.1', 0);
  const escalate = (minutes: number, more: readonly IncidentEvent[] = []) => {
    const incident = incidentOf([OPENED, ...told, ...more]);
    if (incident === undefined) throw new Error('nothing opened it');
    return escalationOf(incident, policy, at(minutes));
  };

  test('is skipped: the next step follows at once, and says why', () => {
    expect(escalate(29).due).toEqual([]);
    const { due: now, held } = escalate(30);
    expect(now).toMatchObject([
      {
        target: { contact: 'executives' },
        why: expect.stringContaining(
          'the step before reached nobody, as support is outside its hours (Mon-Sun 08:00-18:00) (step 3)',
        ) as unknown,
      },
    ]);
    expect(held).toEqual(['support is outside its hours (Mon-Sun 08:00-18:00)']);
  });

  test('gets the message when its hours begin, if nobody has acknowledged', () => {
    const more = sent('p0.s2.r0_mail_executives.1', 30);
    expect(escalate(299, more).due).toEqual([]);
    expect(escalate(300, more).due).toMatchObject([{ target: { contact: 'support' } }]);
    const acknowledged = event('acknowledged', 31, { sequence: 2 });
    expect(escalate(300, [...more, acknowledged]).due).toEqual([]);
  });
});

test('whoever takes over in a rotation hears of what is open; shared places hear of it once', () => {
  const people = ['anna', 'ben'].flatMap((contact, place) => {
    const turn = { timeZone: 'UTC', since: '2026-11-16T09:00', size: 2, place };
    return [
      { sink: 'mail', contact, who: contact, turn },
      { sink: 'chat', contact: undefined, who: contact, turn },
    ];
  });
  const steps = [{ afterMs: 0, targets: people, repeatMs: undefined }];
  const policy = { ...POLICY, steps };
  // It is Sunday; on Monday at 09:00, after 30 hours, it is the turn of ben.
  expect(due([OPENED], 0, policy)).toEqual(['opened anna 1', 'opened chat 1']);
  const told = [...sent('p0.s0.r0_mail_anna.1', 0), ...sent('p0.s0.r0_chat.1', 0)];
  expect(due([OPENED, ...told], 30 * 60 - 1, policy)).toEqual([]);
  expect(due([OPENED, ...told], 30 * 60, policy)).toEqual(['opened ben 1']);
});

test('records in any order, and twice, come to the same', () => {
  const events = [
    OPENED,
    event('joined', 3, {
      sequence: 2,
      conditions: [{ subject: 'db', code: 'late', detail: 'late' }],
    }),
    event('acknowledged', 10, { sequence: 3 }),
    event('recovered', 40, { sequence: 4, conditions: OPENED.conditions }),
    event('resolved', 50, { sequence: 5, how: 'proven' }),
    ...sent('p0.s0.r0_mail_engineering.1', 0),
  ];
  const once = incidentOf(events);
  const again = incidentOf([...events, ...events].reverse());
  expect(again).toEqual(once);
});

test('times are those from when it began, and from when somebody knew', () => {
  const incident = incidentOf([
    { ...OPENED, began: at(-15) },
    event('acknowledged', 10, { sequence: 2 }),
    event('resolved', 50, { sequence: 3 }),
  ]);
  expect(incident && timesOf(incident)).toEqual({
    timeToDetectMs: 15 * MINUTE,
    timeToAcknowledgeMs: 10 * MINUTE,
    timeToRecoverMs: 65 * MINUTE,
  });
});
