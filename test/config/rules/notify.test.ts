// What is refused about who is told.
// cspell:ignore slac, Berlim
import { describe, expect, test } from '@jest/globals';
import { contactWarnings } from '../../../lib/config/contact-warnings.ts';
import { check, faultsOf } from '../support.ts';

const SITE = `version: 1
system: my-site
store: /mnt/backups
sources:
  site: { kind: files, path: /srv/site }
`;

test('resolves every kind of sink', () => {
  const { config, faults } = check(`${SITE}
notify:
  heartbeat: env:BEAT
  sinks:
    mail: { kind: email, server: env:SMTP, from: a@b.example, to: [c@d.example] }
    hook: { kind: webhook, url: env:HOOK, secret: file:./hook.key }
    own: { kind: command, run: [./tell, now] }
    named: { kind: command, run: [tell] }
    phone: { kind: ntfy, url: env:NTFY }
    chat: { kind: slack, url: env:SLACK }
    team: { kind: teams, url: env:TEAMS }
    pager: { kind: pagerduty, routingKey: env:KEY }
`);
  expect(faults).toEqual([]);
  expect(config?.notify).toMatchObject({
    heartbeat: { scheme: 'env', name: 'BEAT' },
    sinks: [
      { name: 'mail', kind: 'email', from: 'a@b.example', to: ['c@d.example'] },
      { name: 'hook', secret: { scheme: 'file' } },
      { name: 'own', run: [expect.stringMatching(/^\/.*\/tell$/), 'now'] },
      { name: 'named', run: ['tell'] },
      { name: 'phone', token: undefined },
      { name: 'chat', kind: 'slack' },
      { name: 'team', kind: 'teams' },
      { name: 'pager', server: 'us' },
    ],
  });
});

test.each([
  [
    'a message of the stack without a stack',
    'email: [me@b.example]',
    'notify.email: these messages would reach nobody',
  ],
  [
    'a report of the stack without a stack',
    'success: daily',
    'notify.success: this report would reach nobody',
  ],
  [
    'a secret that stands in the file',
    'sinks: { chat: { kind: slack, url: "https://u:p@x" } }',
    'notify.sinks.chat.url: the value looks like',
  ],
  [
    'a URL that is no reference',
    'sinks: { chat: { kind: slack, url: "https://hooks.example/T1" } }',
    'allowed: a reference to a URL',
  ],
  [
    'an option of another kind',
    'sinks: { chat: { kind: slack, url: env:U, token: env:T } }',
    'unknown key for a sink of kind slack; it belongs to ntfy',
  ],
  [
    'a kind that there is not',
    'sinks: { chat: { kind: slac, url: env:U } }',
    'did you mean "slack"?',
  ],
  [
    'the topic of a stack that there is not',
    'sinks: { topic: { kind: sns } }',
    'notify.sinks.topic: there is no stack whose topic this could be',
  ],
  [
    'text messages to nobody',
    'sinks: { text: { kind: sms } }',
    'notify.sinks.text: a text message goes to a contact of a step',
  ],
  [
    'a text message without a number',
    'sinks: { text: { kind: sms } }, contacts: { me: { role: Me, sinks: [text] } }, escalation: { steps: [{ after: 0m, contacts: [me] }] }',
    'notify.contacts.me.sinks: no text message can reach this contact',
  ],
  [
    'an address twice',
    'sinks: { mail: { kind: email, server: env:S, from: a@b.example, to: [c@d.example, C@d.example] } }',
    'stands here for the second time',
  ],
  [
    'an address with a header',
    'sinks: { mail: { kind: email, server: env:S, from: "a@b.example\\nBcc: x@y.z", to: [c@d.example] } }',
    'allowed: an e-mail address',
  ],
])('refuses %s', (_what, notify, expected) => {
  expect(faultsOf(`${SITE}notify: { ${notify} }`).join('\n')).toContain(expected);
});

const CONTACTS = (contacts: string, more = '') => `${SITE}
notify:
  sinks: { mail: { kind: email, server: env:S, from: a@b.example, to: [c@d.example] } }
  contacts: { anna: { role: Engineer, sinks: [mail] }, ${contacts} }
  ${more}
`;

test('resolves quiet hours, hours and rotations, by the time zone of the calendar', () => {
  const { config, faults } = check(
    `${CONTACTS(
      'help: { role: Help, sinks: [mail], hours: ["Mon-Fri 08:00-18:00"] }, call: { role: On call, rotation: { contacts: [anna, anna], since: 2026-01-05T09:00 } }',
      'quietHours: { watch: ["20:00-08:00", "Sat-Sun 00:00-24:00"] }',
    )}
retention: { timeZone: europe/berlin }
`,
  );
  expect(faults).toEqual([]);
  expect(config?.notify).toMatchObject({
    timeZone: 'Europe/Berlin',
    quietHours: { watch: ['20:00-08:00', 'Sat-Sun 00:00-24:00'], alarm: undefined },
    contacts: [
      { name: 'anna', hours: undefined, rotation: undefined },
      { name: 'help', hours: ['Mon-Fri 08:00-18:00'] },
      { name: 'call', sinks: [], rotation: { contacts: ['anna', 'anna'] } },
    ],
  });
});

test.each([
  ['hours of no clock', 'x: { role: X, sinks: [mail], hours: ["8-18"] }', 'allowed: hours such as'],
  ['a contact without sinks', 'x: { role: X }', 'it has neither sinks nor a rotation'],
  [
    'a rotation of somebody unknown',
    'x: { role: X, rotation: { contacts: [anna, bob], since: 2026-01-05T09:00 } }',
    'there is no person "bob"',
  ],
  [
    'a rotation of rotations',
    'x: { role: X, rotation: { contacts: [anna, x], since: 2026-01-05T09:00 } }',
    'there is no person "x"',
  ],
  [
    'a rotation from no day',
    'x: { role: X, rotation: { contacts: [anna, anna], since: 2026-02-30T09:00 } }',
    '"2026-02-30" is no day of the calendar',
  ],
  [
    'a rotation with an address of its own',
    'x: { role: X, email: x@y.example, rotation: { contacts: [anna, anna], since: 2026-01-05T09:00 } }',
    'a contact with a rotation has no email of its own',
  ],
  [
    'a day of verification that there is not',
    'x: { role: X, sinks: [mail], lastVerified: 2026-02-30 }',
    'is no day of the calendar',
  ],
])('refuses %s', (_what, contacts, expected) => {
  expect(faultsOf(CONTACTS(contacts)).join('\n')).toContain(expected);
});

test('refuses a time zone that there is not', () => {
  const faults = faultsOf(CONTACTS('x: { role: X, sinks: [mail] }', 'timeZone: Europe/Berlim'));
  expect(faults.join('\n')).toContain('did you mean "Europe/Berlin"?');
});

describe('what makes it likely that nobody hears is a warning:', () => {
  const warningsOf = (text: string) => {
    const { config, faults } = check(text);
    expect(faults).toEqual([]);
    const now = new Date('2026-11-22T00:00:00Z');
    return config === undefined ? [] : contactWarnings(config, now).map(({ message }) => message);
  };
  const STEPS =
    'escalation: { steps: [{ after: 0m, contacts: [call] }, { after: 1h, contacts: [help] }] }';
  const PEOPLE =
    'call: { role: On call, rotation: { contacts: [anna, anna], since: 2026-01-05T09:00 } }, help: { role: Help, sinks: [mail], hours: ["Mon-Fri 08:00-18:00"], lastVerified: 2026-08-23 }, other: { role: Other, sinks: [mail] }';

  test('one way, people whom nobody has asked lately, and an end in the evening', () => {
    expect(warningsOf(CONTACTS(PEOPLE, STEPS))).toEqual([
      'there is only one way to tell people: if it fails, nobody is told',
      'nobody has made sure that anna (Engineer) can be reached',
      'that help (Help) can be reached was made sure of 91 days ago',
      'the last step of the escalation reaches nobody outside the hours of help',
    ]);
  });

  test('nobody at all, unless something outside notices', () => {
    const text = CONTACTS('x: { role: X, sinks: [mail] }').replace(/^notify:[^]*$/m, '');
    expect(warningsOf(text)).toEqual(['nobody is told when a backup fails']);
    expect(warningsOf(`${text}notify: { heartbeat: env:BEAT }\n`)).toEqual([]);
  });

  test('not two ways that do not depend on each other', () => {
    const text = CONTACTS('x: { role: X, sinks: [mail] }').replace(
      'sinks: {',
      'sinks: { push: { kind: ntfy, url: env:N },',
    );
    expect(warningsOf(text)).toEqual([]);
  });
});

test('refuses a heartbeat of a source that the stack backs up', () => {
  const text = `version: 1
system: my-site
store: s3://backups?region=eu-central-1
sources:
  assets: { kind: bucket, bucket: my-assets, heartbeat: env:BEAT }
aws: {}
`;
  expect(faultsOf(text).join('\n')).toContain('sources.assets.heartbeat: nobody would call it');
});
