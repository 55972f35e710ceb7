// What is refused about who is told.
import { expect, test } from '@jest/globals';
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
    'notify.success: this message would reach nobody',
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
