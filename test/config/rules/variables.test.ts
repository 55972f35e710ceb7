// What other programs replace and Holdfast does not is refused where it stands, with what to write instead.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { faultsOf, withSource } from '../support.ts';

const site = (options: string) => withSource('').replace('path: . }', `${options} }`);

describe('is refused at its line', () => {
  test.each([
    ['a variable as in compose files', site('path: "${SITE_DIR}"'), '7:30: sources.site.path'],
    ['a variable in a path', site('path: "/srv/${SITE}/web"'), '7:30: sources.site.path'],
    ['a variable as in a shell', site('path: $HOME/site'), '7:30: sources.site.path'],
    ['a command', site('path: $(pwd)'), '7:30: sources.site.path'],
    ['a template', site('path: "/srv/{{ site }}"'), '7:30: sources.site.path'],
    ['a variable of Windows', site("path: '%USERPROFILE%/site'"), '7:30: sources.site.path'],
    ['a ~ that is nothing in YAML', site('path: ~'), '7:30: sources.site.path'],
    ['a variable in a glob', withSource("exclude: ['${CACHE}/**']"), 'sources.site.exclude[0]'],
    ['a store', withSource('').replace('./backups', '${STORE}'), '3:8: store'],
    ['a bucket', withSource('').replace('./backups', 's3://${BUCKET}/x'), '3:8: store'],
    ['a key', withSource('').replace('file:~/', 'file:$HOME/'), 'signing.key'],
    ['PST', withSource('schedule: 0 2 * * *, timeZone: PST'), 'sources.site.timeZone'],
    ['EST', withSource('schedule: 0 2 * * *, timeZone: est'), 'sources.site.timeZone'],
    ['BST', withSource('', 'retention: { timeZone: BST }'), 'retention.timeZone'],
    [
      'a merge key',
      withSource('', 'retention: &r {}\nprune: { <<: *r }'),
      '9:10: "<<" merges nothing',
    ],
  ])('%s', (_, text, place) => {
    const faults = faultsOf(text);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(place);
    expect(faults[0]).toMatch(/; allowed: |write out/);
  });

  test.each([
    ...['1 day', '24 hours', 'PT24H', '1.5h', '24H', '-1h', '1e3h', '24', '24 h 30 m', '∞'].map(
      (value) => ['rpo', value] as const,
    ),
    ...['2 hours', '2H', '2h30m'].map((value) => ['grace', value] as const),
    ...['@daily', '0 2 * *', '0 0 2 * * *', '60 2 * * *', '0 24 * * *', '0 2 32 * *', '0 2 * 13 *']
      .concat('0 2 * * 8', '0 2 30 2 *', 'H 2 * * *', '0 2 ? * *', 'TZ=UTC 2 * * *', '0 2 * * FOO')
      .map((value) => ['schedule', value] as const),
    ...['+02:00', 'UTC+2', 'Berlin', 'Europe/Berln', 'CEST', 'local'].map(
      (value) => ['timeZone', value] as const,
    ),
  ])('%s: %s', (option, value) => {
    const schedule = option === 'schedule' ? '' : "schedule: '0 2 * * *', ";
    const faults = faultsOf(withSource(`${schedule}${option}: '${value}'`));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(
      new RegExp(`^holdfast\\.yaml:7:\\d+: sources\\.site\\.${option}: .*; allowed: `),
    );
  });

  test.each(['20', '1,5 GB', '10G', '500mb', '-1 GB', 'lots', '20 gib'])(
    'capacity: %s',
    (value) => {
      expect(faultsOf(withSource('', `capacity: '${value}'`))).toEqual([
        expect.stringMatching(/^holdfast\.yaml:8:11: capacity: got .*; allowed: a size such as/),
      ]);
    },
  );

  test.each(['me', 'me@host', 'Me <me@example.com>', 'a@b.c, d@e.f', 'me@example..com'])(
    'notify.email: %s',
    (value) => {
      expect(faultsOf(withSource('', `notify: { email: ['${value}'] }`))).toContainEqual(
        expect.stringMatching(
          /^holdfast\.yaml:8:19: notify\.email\[0\]: got .*; allowed: an e-mail/,
        ),
      );
    },
  );
});

describe('is taken', () => {
  test.each([
    ['a route of a framework', withSource("include: ['app/routes/$slug.tsx', 'app/(shop)/[id]']")],
    ['a folder whose name has a dollar', site("path: './a$b/$slug'")],
    ['a variable that a shell gets', withSource("afterRestore: ['chown ${USER} .']")],
    ['zones of the database', withSource("schedule: '0 2 * * *', timeZone: CET")],
    ['days that cron does not know', withSource("schedule: '0 2 L * *'")],
    [
      'an alias for a whole value',
      withSource('', 'retention: &r { daily: 1 }').replace(
        'path: .',
        'path: ., retention: { daily: 1 }',
      ),
    ],
  ])('%s', (_, text) => {
    expect(faultsOf(text)).toEqual([]);
  });
});

test('no value with a variable in braces passes, wherever it stands', () => {
  const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,9}$/);
  const part = fc.stringMatching(/^[a-z./-]{0,8}$/);
  fc.assert(
    fc.property(name, part, part, (variable, before, after) => {
      const value = `${before}\${${variable}}${after}`;
      for (const text of [
        site(`path: '${value}'`),
        withSource('').replace('./backups', `'${value}'`),
        withSource(`exclude: ['${value}']`),
      ]) {
        expect(faultsOf(text).join()).toContain(`\${${variable}}`);
      }
    }),
  );
});
