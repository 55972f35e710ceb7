import { readFileSync } from 'node:fs';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { EXAMPLE_CONFIG, EXAMPLE_PUBLIC_KEY } from '../../../lib/config/schema/example.ts';
import { check, CONTEXT, faultsOf, withSource } from '../support.ts';

const FULL_OF_FAULTS = `version: 2
system: My_Site
stor: ./b
capacity: lots
trust:
  - name: laptop
    publicKey: AAAA
    prefixes: [backups]
sources:
  site:
    kind: file
    exlude: [a]
    include: ['/abs', ../up, content/posts]
    exclude: [posts]
    secrets: exlude
    schedule: 0 2 * * *
    timeZone: Europe/Berln
    rpo: 24x
  two:
    kind: files
    path: .
    rpo: 24h
retention: { daily: 0, weekly: 0, monthly: 0 }
`;

describe('a configuration', () => {
  test('has all defaults filled in, paths absolute and units in the names', () => {
    const { config } = check(withSource('schedule: 0 2 * * *, rpo: 24h', 'capacity: 20 GiB\n'));
    expect(config).toMatchObject({
      file: '/srv/site/holdfast.yaml',
      system: 'my-site',
      store: '/srv/site/backups',
      storeFrom: 'file',
      capacityBytes: 20 * 2 ** 30,
      signingKey: { scheme: 'file', name: '/home/me/.config/holdfast/my-site.key' },
      trust: [{ name: 'laptop', publicKey: EXAMPLE_PUBLIC_KEY, prefixes: ['backups/'] }],
      retention: {
        daily: 7,
        weekly: 4,
        monthly: 12,
        yearly: 0,
        last: 0,
        withinMs: 0,
        timeZone: 'UTC',
      },
      pruneAfterBackup: true,
    });
    expect(config?.sources).toEqual([
      {
        name: 'site',
        kind: 'files',
        path: '/srv/site',
        include: ['**'],
        exclude: [],
        gitignore: false,
        secrets: 'exclude',
        oneFileSystem: false,
        tolerate: [],
        allowEmpty: false,
        times: 'recorded',
        compression: 'default',
        schedule: '0 2 * * *',
        timeZone: 'UTC',
        rpoMs: 86_400_000,
        rtoMs: undefined,
        graceMs: 7_200_000,
        dropShare: 0.5,
        restoreTest: { every: 'month', maxAgeMs: 31 * 86_400_000 + 7_200_000 },
        afterRestore: [],
        retention: config?.retention,
      },
    ]);
  });

  test('cannot be altered after loading', () => {
    const { config } = check(EXAMPLE_CONFIG);
    const retention = config?.sources[1]?.retention as { daily: number };
    expect(() => (retention.daily = 0)).toThrow(TypeError);
    expect(retention).toMatchObject({ daily: 30, weekly: 4, withinMs: 2 * 86_400_000 });
  });

  test('may be JSON, with tabs', () => {
    const json = JSON.stringify(
      { version: 1, system: 's', store: '/b', sources: { site: { kind: 'files', path: '/x' } } },
      undefined,
      '\t',
    );
    expect(check(json).config?.sources[0]).toMatchObject({ path: '/x' });
  });

  test('may share values by anchors', () => {
    const text = withSource('exclude: &no [tmp]', '  b: { kind: files, path: ., exclude: *no }\n');
    expect(check(text).config?.sources[1]).toMatchObject({ exclude: ['tmp'] });
  });

  test('takes its store from a flag or variable when one is given, relative to the working folder', () => {
    const override = { store: 'other', from: 'variable', folder: '/work' } as const;
    expect(check(withSource(''), { override }).config).toMatchObject({
      store: '/work/other',
      storeFrom: 'variable',
    });
  });

  test('takes a public key as PEM and normalises it', () => {
    const pem = `-----BEGIN PUBLIC KEY-----\n${EXAMPLE_PUBLIC_KEY}\n-----END PUBLIC KEY-----`;
    const text = withSource('').replace(EXAMPLE_PUBLIC_KEY, JSON.stringify(pem));
    expect(check(text).config?.trust[0]?.publicKey).toBe(EXAMPLE_PUBLIC_KEY);
  });
});

describe('faults', () => {
  test('are all reported at once, in the order of the file, each with its line and what is allowed', () => {
    const faults = faultsOf(FULL_OF_FAULTS);
    expect(
      faults.map((fault) => /^holdfast\.yaml:(\d+:\d+): (\S+):/.exec(fault)?.slice(1)),
    ).toEqual([
      ['1:1', 'store'],
      ['1:10', 'version'],
      ['2:9', 'system'],
      ['3:1', 'stor'],
      ['4:11', 'capacity'],
      ['7:16', 'trust[0].publicKey'],
      ['8:16', 'trust[0].prefixes[0]'],
      ['10:3', 'sources.site.path'],
      ['11:11', 'sources.site.kind'],
      ['12:5', 'sources.site.exlude'],
      ['13:15', 'sources.site.include[0]'],
      ['13:23', 'sources.site.include[1]'],
      ['14:15', 'sources.site.exclude[0]'],
      ['15:14', 'sources.site.secrets'],
      ['17:15', 'sources.site.timeZone'],
      ['18:10', 'sources.site.rpo'],
      ['22:10', 'sources.two.rpo'],
      ['23:1', 'retention'],
    ]);
    for (const fault of faults) expect(fault).toMatch(/; allowed: \S/);
  });

  test('are none in the worked example of MySQL', () => {
    const document = new URL('../../../docs/other-databases.md', import.meta.url);
    const [, block = ''] = /^ *```yaml\n(.*?)^ *```$/ms.exec(readFileSync(document, 'utf8')) ?? [];
    const head = withSource('').replace(/^sources:.*/ms, '');
    expect(check(head + block.replace(/^ {3}/gm, '')).config).toMatchObject({
      sources: [{ name: 'dumps', path: '/srv/dumps/blog' }],
      otherDatabases: { mysql: 'dumps' },
    });
  });

  test('name what is no source of files under otherDatabases', () => {
    const text = `${withSource('')}otherDatabases: { mysql: dump, sqlite: site, mongodb: elsewhere }\n`;
    expect(faultsOf(text).map((fault) => fault.replace(/^\S+ /, ''))).toEqual([
      'otherDatabases.mysql: got "dump", which is no source of kind files; allowed: site, elsewhere',
    ]);
  });

  test('guess what a misspelt key, word or time zone was meant to be', () => {
    const faults = faultsOf(FULL_OF_FAULTS).join('\n');
    expect(faults).toContain('stor: unknown key; did you mean "store"?');
    expect(faults).toContain('exlude: unknown key; did you mean "exclude"?');
    expect(faults).toContain('secrets: got "exlude"; did you mean "exclude"?');
    expect(faults).toContain('did you mean "Europe/Berlin"?');
  });

  test.each([
    [
      'a duplicate key',
      'version: 1\nversion: 1\n',
      ':2:1: the key stands here for the second time',
    ],
    ['an alias without an anchor', 'version: *nothing\n', 'an alias names no anchor'],
    ['two documents', 'a: 1\n---\nb: 2\n', 'more than one document'],
    ['an unknown tag', 'version: !!js/function x\n', 'not valid YAML: unresolved tag'],
    ['an open bracket', 'sources: [\n', 'not valid YAML'],
    ['very deep nesting', '['.repeat(20_000), 'nested too deeply'],
    ['nothing', '', 'got nothing; allowed: a mapping with version'],
    ['a list', '- 1\n', 'got a list; allowed: a mapping with version'],
  ])('refuses %s', (_, text, message) => {
    expect(faultsOf(text).join('\n')).toContain(message);
  });

  test('refuses aliases that multiply', () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const below = level === 0 ? '"x"' : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array(9).fill(below).join(', ')}]`;
    });
    expect(faultsOf(levels.join('\n')).join()).toContain('aliases multiply');
  });

  test.each([
    [
      'an RPO without a schedule',
      'rpo: 24h',
      'site.rpo: got 24h, but the source has no "schedule"',
    ],
    ['an RPO below the interval', 'schedule: 0 2 * * 1, rpo: 6d', 'leaves 7d between'],
    [
      'an RPO that the clock change breaks',
      'schedule: 0 2 * * *, timeZone: Europe/Berlin, rpo: 24h',
      'leaves 25h between',
    ],
    [
      'an RPO of nothing',
      'schedule: 0 2 * * *, rpo: 0h',
      'site.rpo: got "0h"; allowed: a duration',
    ],
    ['a cron field out of range', 'schedule: 0 25 * * *', 'invalid value for hour'],
    ['a schedule that never comes', 'schedule: 0 0 30 2 *', 'it never comes'],
    ['a schedule of six fields', 'schedule: 0 0 2 * * *', 'allowed: five cron fields'],
    ['a schedule that depends on the moment', "schedule: '? 2 * * *'", 'contains "?"'],
    ['an unknown time zone', 'timeZone: Mars/Olympus', 'not a known time zone'],
    ['an absolute glob', "include: ['/etc/**']", '"/etc/**" is absolute'],
    ['a glob that leads out', "exclude: ['a/../../b']", 'leads out of the source'],
    ['a negated glob', "exclude: ['!a']", 'begins with "!"'],
    ['a glob that is not one', "tolerate: ['a[z-a]']", 'is no glob'],
    [
      'an exclude of what is named',
      "include: [content/posts], exclude: ['content/**']",
      '"content/**" leaves out "content/posts", which "include" names',
    ],
    ['an exclude of a named route', "include: ['app/[id]'], exclude: ['app/[id]']", 'leaves out'],
    ['a retention of nothing', 'retention: { daily: 0, weekly: 0, monthly: 0 }', 'keeps nothing'],
  ])('refuses %s', (_, source, message) => {
    expect(faultsOf(withSource(source)).join('\n')).toContain(message);
  });

  test.each([
    ['daily in UTC within a day', 'schedule: 0 2 * * *, rpo: 24h'],
    ['daily in Berlin within 25 hours', 'schedule: 0 2 * * *, timeZone: Europe/Berlin, rpo: 25h'],
    ['every five minutes', "schedule: '*/5 * * * *', rpo: 5m"],
    ['weekdays within a weekend', 'schedule: 0 2 * * 1-5, rpo: 72h'],
    ['an exclude inside of what is named', 'include: [content], exclude: [content/drafts]'],
    ['a route with a group and a parameter', "include: ['app/(shop)/[id]/page.tsx']"],
    ['an exclude at any depth', 'exclude: [node_modules]'],
    ['a policy that overrides one number', 'retention: { daily: 0 }'],
  ])('accepts %s', (_, source) => {
    expect(faultsOf(withSource(source))).toEqual([]);
  });

  test.each([
    [
      'a source in the store',
      'path: ./backups/site',
      'sources.x.path: "./backups/site" lies in the store',
    ],
    ['a bad name', 'path: .', 'the name "Bad" cannot be used', 'Bad'],
    ['a name that objects swallow', 'path: .', 'the name "__proto__" cannot be used', '__proto__'],
  ])('refuses %s', (_, options, message, name = 'x') => {
    const text = withSource('', `  ${name}: { kind: files, ${options} }\n`);
    expect(faultsOf(text).join('\n')).toContain(message);
  });

  test.each([
    ['a key in the store', 'file:./backups/k.key', 'the key lies in the store'],
    ['a key in a source', 'file:./k.key', 'the key lies in the source "site"'],
  ])('refuses %s', (_, key, message) => {
    const text = withSource('').replace(/file:~[^']*/, key);
    expect(faultsOf(text).join('\n')).toContain(message);
  });

  test('accepts a key in a source that excludes it', () => {
    const text = withSource("exclude: ['*.key']").replace(/file:~[^']*/, 'file:./k.key');
    expect(faultsOf(text)).toEqual([]);
  });

  test('refuses a signing key whose public half nobody trusts, and a key that stands twice', () => {
    expect(faultsOf(withSource('').replace(/trust: .*\n/, '')).join()).toContain(
      '"trust" names none',
    );
    const twice = withSource('').replace(/trust: \[(.*)\]/, 'trust: [$1, $1]');
    expect(faultsOf(twice).join('\n')).toMatch(
      /trust\[1\]\.name.*second time[^]*trust\[1\]\.publicKey/,
    );
  });

  test('refuses a store that is neither a folder nor on S3, wherever it comes from', () => {
    expect(faultsOf(withSource('').replace('./backups', 'ftp://host/x')).join()).toContain(
      'store: "ftp://" is no store that this version opens; allowed: a folder, or s3://',
    );
    const override = { store: 'ftp://host', from: 'flag', folder: '/' } as const;
    expect(check(withSource(''), { override }).faults).toMatchObject([{ origin: '--store' }]);
  });

  test('accepts a folder by its file:// URL', () => {
    const { config } = check(withSource('').replace('./backups', 'file:///mnt/backups'));
    expect(config?.store).toBe('/mnt/backups');
  });

  test('are found in the store of a stack also while another store is looked at', () => {
    const text = `${withSource('').replace('./backups', 's3://No_Bucket')}aws: {}\n`;
    const override = { store: '/mnt/backups', from: 'flag', folder: '/' } as const;
    expect(check(text, { override }).faults).toMatchObject([{ path: 'store' }]);
  });

  test('never repeat a secret that was pasted into the file', () => {
    const secret = 'hunter2-canary';
    const texts = [
      withSource('').replace(/file:~[^']*/, secret),
      withSource('').replace(/file:~[^']*/, `-----BEGIN PRIVATE KEY----- ${secret}`),
      withSource('').replace(EXAMPLE_PUBLIC_KEY, `"-----BEGIN EC PRIVATE KEY-----${secret}"`),
      withSource('').replace('./backups', `s3://key:${secret}@bucket`),
      withSource(`afterRestore: ['DATABASE_URL=postgres://app:${secret}@db/app npm test']`),
      withSource(`afterRestore: ['DB_PASSWORD=${secret} npm test']`),
      withSource(`password: ${secret}`),
      withSource(`rpo: 'postgres://app:${secret}@db/app'`),
      withSource(`x: "${secret}" "${secret}`),
    ];
    for (const text of texts) {
      const faults = faultsOf(text);
      expect(faults).not.toEqual([]);
      expect(faults.join('\n')).not.toContain(secret);
    }
  });

  test('hold no character that acts on a terminal', () => {
    const faults = faultsOf(withSource('"\\e[2Jkey": 1, rpo: "\\e]0;x\\a\\u202e"'));
    expect(faults.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    expect(faults.join('')).toContain('\\u001b[2Jkey');
  });

  test('are returned, never thrown, whatever the text', () => {
    const value = fc.anything({ withNullPrototype: false, maxDepth: 4 });
    const source = fc.record(
      { kind: value, path: value, rpo: value, schedule: fc.string(), exclude: value },
      { requiredKeys: [] },
    );
    const sources = fc.dictionary(fc.string(), source);
    const texts = fc.oneof(
      fc.string(),
      fc
        .record({ version: value, trust: value, sources, retention: value }, { requiredKeys: [] })
        .map((data) => JSON.stringify(data)),
      fc
        .tuple(fc.nat(EXAMPLE_CONFIG.length), fc.string({ maxLength: 5 }))
        .map(([at, text]) => EXAMPLE_CONFIG.slice(0, at) + text + EXAMPLE_CONFIG.slice(at + 3)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const { config, faults } = check(text, CONTEXT);
        expect(config === undefined).toBe(faults.length > 0);
      }),
      { numRuns: 150 },
    );
  });
});
