// What the configuration says about AWS: kinds of sources that functions read, the stack, and the rules for both.
import { describe, expect, test } from '@jest/globals';

import { EXAMPLE_AWS_CONFIG, EXAMPLE_PUBLIC_KEY } from '../../../lib/config/schema/example.ts';
import { describeConfig } from '../../../lib/config/load/show.ts';
import { check, faultsOf } from '../support.ts';

const STORE = 's3://my-backups/site?region=eu-central-1';

/** A configuration with `sources` below `sources:`, each in flow style, and `rest`. */
function onAws(sources: string, rest = 'aws: {}', store = STORE): string {
  return `version: 1\nsystem: my-site\nstore: ${store}\nsources:\n${sources}\n${rest}\n`;
}

const bucket = (more = '') => `  assets: { kind: bucket, bucket: my-assets${more} }`;
const github = (more = '') => `  code: { kind: github, repository: me/site${more} }`;

describe('a configuration on AWS', () => {
  test('has every default filled in', () => {
    const { config, faults } = check(
      onAws(`${bucket()}\n${github()}\n  settings: { kind: parameters, paths: [/my-site/] }`),
    );
    expect(faults).toEqual([]);
    expect(config).toMatchObject({
      store: STORE,
      aws: {
        account: undefined,
        region: 'eu-central-1',
        storage: 'create',
        lockMode: 'governance',
        lockDays: 14,
        undoDays: 14,
        storageClass: 'standard',
        contentMonths: 1,
        reservedConcurrency: 'off',
        terminationProtection: false,
        deployingRoles: [],
        breakGlassRoles: [],
        logDays: 90,
      },
      notify: {
        email: [],
        success: 'never',
        heartbeat: undefined,
        sinks: [],
        contacts: [],
        escalation: undefined,
      },
    });
    expect(config?.sources).toMatchObject([
      { kind: 'bucket', bucket: 'my-assets', prefix: '', include: ['**'], exclude: [] },
      { kind: 'github', repository: 'me/site', api: 'https://api.github.com', token: undefined },
      { kind: 'parameters', paths: ['/my-site/'], secretNames: [], secrets: 'exclude' },
    ]);
    for (const source of config?.sources ?? []) {
      expect(source).toMatchObject({ onDeployment: [], tolerate: [], timeZone: 'UTC' });
      expect(Object.keys(source)).not.toContain('gitignore');
    }
  });

  test('resolves triggers, references and durations', () => {
    const { config, faults } = check(EXAMPLE_AWS_CONFIG);
    expect(faults).toEqual([]);
    expect(config).toMatchObject({
      aws: { account: '123456789012', region: 'eu-central-1' },
      notify: {
        email: ['team@example.com'],
        success: 'daily',
        heartbeat: { scheme: 'ssm', name: '/spark-bloom/heartbeat' },
      },
    });
    expect(config?.sources[1]).toMatchObject({ token: { scheme: 'secret', name: 'github-token' } });
    expect(config?.sources[2]).toMatchObject({
      onDeployment: [
        { by: 'codepipeline', name: 'spark-bloom' },
        { by: 'event', name: undefined },
      ],
    });
  });

  test('is shown with its references as they are written', () => {
    const { config } = check(EXAMPLE_AWS_CONFIG);
    expect(config && describeConfig(config)).toMatchObject({
      notify: { heartbeat: 'ssm:/spark-bloom/heartbeat' },
      sources: [{}, { token: 'secret:github-token' }, {}],
    });
  });

  test('may sign with a key of KMS', () => {
    const key = 'kms:alias/holdfast-laptop';
    const text = onAws(bucket(), `aws: {}\nsigning: { key: '${key}' }`);
    expect(faultsOf(text).join()).toContain('"trust" names none');
    const trust = `trust: [{ name: me, publicKey: ${EXAMPLE_PUBLIC_KEY}, prefixes: [backups/] }]`;
    expect(check(`${text}${trust}\n`).config).toMatchObject({
      signingKey: { scheme: 'kms', name: 'alias/holdfast-laptop' },
    });
  });

  test('keeps the region of its stack when another store is looked at', () => {
    const override = { store: './copy', from: 'flag', folder: '/work' } as const;
    const { config } = check(onAws(bucket()), { override });
    expect(config).toMatchObject({ store: '/work/copy', aws: { region: 'eu-central-1' } });
  });
});

describe('a source of a wrong kind', () => {
  test('has the rest of its options checked as those of the kind that was meant', () => {
    const faults = faultsOf(onAws('  a: { kind: buckt, bucket: My_Assets, exlude: [x] }'));
    expect(faults.join('\n')).toMatch(
      /a\.kind: got "buckt"; did you mean "bucket"\?; allowed: files, .*parameters[^]*a\.bucket: got "My_Assets"[^]*a\.exlude: unknown key; did you mean "exclude"/,
    );
    expect(faults).toHaveLength(3);
  });

  test('is told from its options when it has no kind', () => {
    const faults = faultsOf(onAws('  a: { repository: me }'));
    expect(faults).toEqual([
      expect.stringMatching(/a\.kind: is missing; allowed: files, .*bucket, github, parameters$/),
      expect.stringMatching(/a\.repository: got "me"; allowed: OWNER\/NAME/),
    ]);
  });

  test('is told which kind an option belongs to, and what its own are', () => {
    expect(faultsOf(onAws(bucket(', repository: a/b'))).join()).toMatch(
      /repository: unknown key for a source of kind bucket; it belongs to github; allowed: kind, bucket, prefix/,
    );
    expect(faultsOf(onAws(github(', pathz: x'))).join()).toMatch(
      /pathz: unknown key; .*allowed: kind, repository, ref/,
    );
  });

  test('is no source at all when it is text', () => {
    expect(faultsOf(onAws('  a: bucket')).join()).toMatch(
      /a mapping whose kind is one of files, .*bucket, github, parameters/,
    );
  });
});

describe('the rules of AWS', () => {
  test.each([
    [
      'a stack whose store is a folder',
      onAws(bucket(), 'aws: {}', './backups'),
      ':3:8: store: got "./backups", but "aws" needs a store on S3',
    ],
    [
      'two accounts',
      onAws(bucket(), "aws: { account: '000000000001' }", `${STORE}&account=000000000002`),
      'aws.account: got "000000000001", but the bucket of "store" belongs to "000000000002"',
    ],
    [
      'a stack without a region',
      onAws(bucket(), 'aws: {}', 's3://my-backups'),
      ':3:8: store: got "s3://my-backups", which names no region',
    ],
    [
      'a URL of S3 that is not one',
      onAws(bucket(), 'aws: {}', 's3://My_Backups?region=eu-central-1'),
      ':3:8: store: the store\'s URL is refused: "My_Backups" is no name of a bucket',
    ],
    [
      'a long name of a system',
      onAws(bucket()).replace('my-site', 'a'.repeat(41)),
      ':2:9: system: got "aaaaa',
    ],
    [
      'a folder that a function should read',
      onAws('  site: { kind: files, path: ., onDeployment: [event] }'),
      ':5:33: sources.site.onDeployment: a source of kind files cannot be read by a function: it is where the files are; allowed: `holdfast backup site` as a step of the pipeline',
    ],
    [
      'a deployment that nobody hears of',
      onAws(bucket(', onDeployment: [event]'), ''),
      'onDeployment: nobody would hear of a deployment',
    ],
    ['a trigger that is not one', onAws(bucket(', onDeployment: [jenkins]')), 'got "jenkins"'],
    [
      'a trigger that stands twice',
      onAws(bucket(', onDeployment: [event, event]')),
      'onDeployment[1]: "event" stands here for the second time',
    ],
    [
      'the bucket of the store',
      onAws(bucket().replace('my-assets', 'my-backups')),
      'assets.bucket: "my-backups" with the prefix "" holds the store',
    ],
    [
      'a part of the store',
      onAws(bucket(', prefix: site/backups/').replace('my-assets', 'my-backups')),
      'holds the store; allowed: another bucket, or a prefix outside of the store',
    ],
    [
      'a schedule too fast for a function',
      onAws(bucket(", schedule: '*/10 * * * *'")),
      'schedule: got "*/10 * * * *", which comes after 10m already',
    ],
    [
      'a schedule that is too fast at midnight only',
      onAws(bucket(", schedule: '0,50 0,23 * * *'")),
      'which comes after 10m already',
    ],
    ['no parameters', onAws('  p: { kind: parameters }'), 'p.paths: nothing is named'],
    [
      'an RPO without a schedule',
      onAws(github(', rpo: 24h')),
      'code.rpo: got 24h, but the source has no "schedule"',
    ],
    [
      'a token that no function can read',
      onAws(github(", token: 'env:GITHUB_TOKEN'")),
      'code.token: a function cannot read a variable of this machine',
    ],
    [
      'a heartbeat in a file',
      onAws(bucket(), "aws: {}\nnotify: { heartbeat: 'file:./url' }"),
      'notify.heartbeat: a function cannot read a file of this machine',
    ],
    [
      'a sink whose secret no function can read',
      onAws(bucket(), 'aws: {}\nnotify:\n  sinks:\n    chat: { kind: slack, url: env:SLACK_URL }'),
      ':9:31: notify.sinks.chat.url: a function cannot read a variable of this machine',
    ],
    [
      'a sink that is a program',
      onAws(bucket(), 'aws: {}\nnotify:\n  sinks:\n    call: { kind: command, run: [call] }'),
      'notify.sinks.call.kind: a function cannot start a program of this machine',
    ],
    [
      'a number that no function can read',
      onAws(
        bucket(),
        "aws: {}\nnotify: { sinks: { topic: { kind: sns } }, contacts: { me: { role: Me, sinks: [topic], phone: 'file:./n' } } }",
      ),
      'notify.contacts.me.phone: a function cannot read a file of this machine',
    ],
    [
      'messages that nobody sends',
      onAws(bucket(), 'notify: { email: [me@example.com] }'),
      ':6:11: notify.email: these messages would reach nobody',
    ],
    [
      'an address that stands twice',
      onAws(bucket(), 'aws: {}\nnotify: { email: [me@example.com, Me@example.com] }'),
      'email[1]: "Me@example.com" stands here for the second time',
    ],
    ['an address that is not one', onAws(bucket(), 'aws: {}\nnotify: { email: [me] }'), 'got "me"'],
    [
      'a lock that outlasts the undo window',
      onAws(bucket(), 'aws: { lock: { days: 30 } }'),
      ':6:22: aws.lock.days: got 30, but a released backup is to be gone after "undo", 14d',
    ],
    [
      'a compliance lock that outlasts it',
      onAws(bucket(), 'aws: { lock: { mode: compliance, days: 30 } }'),
      'in compliance mode nobody can delete it before',
    ],
    [
      'a policy that ends before the lock',
      onAws(bucket(), 'aws: {}\nretention: { daily: 7, weekly: 0, monthly: 0 }'),
      ':7:1: retention: keeps nothing for longer than 7d, but every backup is locked for 14d',
    ],
    [
      'a policy of one source that does',
      onAws(bucket(', retention: { daily: 3, weekly: 0, monthly: 0 }')),
      ':5:46: sources.assets.retention: keeps nothing for longer than 3d',
    ],
    ['an undo of less than a day', onAws(bucket(), 'aws: { undo: 12h }'), 'a number of days'],
    ['logs for a time that AWS lacks', onAws(bucket(), 'aws: { logRetention: 91d }'), '90d, 120d'],
    ['an account that is a number', onAws(bucket(), 'aws: { account: 123456789012 }'), 'in quotes'],
    [
      'a role that is not one',
      onAws(bucket(), 'aws: { breakGlassRoles: [admin] }'),
      'ARN of a role',
    ],
    [
      'credentials in the URL',
      onAws(bucket(), '', 's3://my-backups?secret=abcdefgh-canary'),
      'the value looks like a password',
    ],
  ])('refuse %s', (_, text, message) => {
    const faults = faultsOf(text).join('\n');
    expect(faults).toContain(message);
    expect(faults).not.toContain('canary');
  });

  test.each([
    ['a folder beside what functions read', onAws(`${bucket()}\n  site: { kind: files, path: . }`)],
    [
      'a lock as long as the undo window',
      onAws(bucket(), 'aws: { lock: { days: 30 }, undo: 30d }'),
    ],
    ['every quarter of an hour', onAws(bucket(", schedule: '*/15 * * * *', rpo: 15m"))],
    ['one minute of every hour', onAws(bucket(", schedule: '7 * * * *'"))],
    [
      'the bucket of the store without the store',
      onAws(bucket(', exclude: [site]').replace('my-assets', 'my-backups')),
    ],
    [
      'another prefix in the bucket of the store',
      onAws(bucket(', prefix: assets/').replace('my-assets', 'my-backups')),
    ],
    [
      'a server of its own',
      onAws(bucket(), '', 's3://my-backups/a/b?region=us-east-1&endpoint=http://127.0.0.1:9000'),
    ],
    ['a source on AWS without a stack', onAws(bucket(", schedule: '* * * * *'"), '', './backups')],
    [
      'a policy that keeps the last few',
      onAws(bucket(', retention: { daily: 0, weekly: 0, monthly: 0, last: 5 }')),
    ],
  ])('accept %s', (_, text) => {
    expect(faultsOf(text)).toEqual([]);
  });
});

describe('a database on AWS', () => {
  const database = (more = '', connection = 'secret:shop/database') =>
    `  data: { kind: postgres, connection: '${connection}'${more} }`;
  const VPC =
    'vpc: { id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d] }';

  test('is dumped by a function of an image with PostgreSQL 17, in no network', () => {
    const { config, faults } = check(onAws(database()));
    expect(faults).toEqual([]);
    expect(config?.aws?.databases).toEqual({
      package: 'image',
      postgres: 17,
      extensions: ['pgvector'],
      locales: ['en_US.UTF-8'],
      layers: [],
      vpc: undefined,
    });
    expect(config?.sources).toMatchObject([
      { connection: { scheme: 'secret', name: 'shop/database' }, runOn: 'function' },
    ]);
  });

  const HOST = 'app.abc123.eu-central-1.rds.amazonaws.com';

  test('may have its password in a secret that RDS manages, and its place beside it', () => {
    const server = `, server: { host: ${HOST}, port: 5433, database: app }`;
    const { config, faults } = check(onAws(database(server, 'secret:rds!db-0a1b-2c3d')));
    expect(faults).toEqual([]);
    expect(config?.sources).toMatchObject([
      {
        connection: { scheme: 'secret', name: 'rds!db-0a1b-2c3d' },
        server: { host: HOST, port: 5433, database: 'app', user: undefined, sslmode: undefined },
      },
    ]);
  });

  test('may be reached by tokens of IAM, for one database and one role of it', () => {
    const server = `, server: { host: ${HOST}, database: app, user: backup, resourceId: db-ABC }`;
    const { config, faults } = check(onAws(database(server, 'iam')));
    expect(faults).toEqual([]);
    expect(config?.sources).toMatchObject([
      { connection: 'iam', server: { resourceId: 'db-ABC' } },
    ]);
  });

  test.each([
    ['nothing of where it is', '', 'nothing says host, database, user, resourceId'],
    [
      'a name that RDS did not give',
      ', server: { host: db.example.com, database: app, user: u, resourceId: db-A }',
      'a token is for the name that RDS gave the server',
    ],
    [
      'no TLS',
      `, server: { host: ${HOST}, database: app, user: u, resourceId: db-A, sslmode: disable }`,
      'over TLS alone',
    ],
  ])('refuses tokens with %s', (_, server, message) => {
    expect(faultsOf(onAws(database(server, 'iam'))).join('\n')).toContain(message);
  });

  test('refuses a resource id that nothing needs', () => {
    const text = onAws(database(', server: { resourceId: db-ABC }'));
    expect(faultsOf(text).join('\n')).toContain('no token of IAM');
  });

  test('may be dumped by a task, in a network', () => {
    const rest = `aws: { databases: { postgres: 18, ${VPC} } }`;
    const { config, faults } = check(onAws(database(', runOn: task'), rest));
    expect(faults).toEqual([]);
    expect(config?.aws?.databases).toMatchObject({
      postgres: 18,
      vpc: { id: 'vpc-0a1b2c3d', subnets: ['subnet-0a1b2c3d'], securityGroups: ['sg-0a1b2c3d'] },
    });
  });

  test('may be dumped by a task in another network than that of functions, which then have none', () => {
    const rest = `aws: { tasks: { ${VPC}, vcpus: 4, disk: 150 GiB } }`;
    const { config, faults } = check(
      onAws(database(', runOn: task, maxDatabaseSize: 150 GB'), rest),
    );
    expect(faults).toEqual([]);
    expect(config?.aws?.databases.vpc).toBeUndefined();
    expect(config?.aws?.tasks).toMatchObject({
      vcpus: 4,
      diskGiB: 150,
      vpc: { id: 'vpc-0a1b2c3d' },
    });
  });

  test('may be larger than the disk of a task where no restore is tested', () => {
    const source = database(', runOn: task, maxDatabaseSize: 1 TB, restoreTest: { every: never }');
    expect(faultsOf(onAws(source, `aws: { tasks: { ${VPC} } }`))).toEqual([]);
  });

  test.each(['env:DATABASE_URL', 'file:/run/secrets/url'])(
    'cannot be reached by %s, and the line says so',
    (connection) => {
      const [fault, ...more] = faultsOf(onAws(database('', connection)));
      expect(more).toEqual([]);
      expect(fault).toContain(':5:');
      expect(fault).toContain('a function cannot read');
      expect(faultsOf(onAws(database('', connection), 'retention: { daily: 7 }'))).toEqual([]);
    },
  );

  test.each([
    ['a task without a network', onAws(database(', runOn: task')), 'runs in a network of yours'],
    [
      'a task of a zip',
      onAws(database(', runOn: task'), `aws: { databases: { package: zip, ${VPC} } }`),
      'which runs an image',
    ],
    ['jobs of a plain dump', onAws(database(', jobs: 4'), ''), 'which one job reads'],
    ['a task without a stack', onAws(database(', runOn: task'), ''), 'nobody would start a task'],
    [
      'a database that no restore test has room for',
      onAws(database(', runOn: task, maxDatabaseSize: 300 GB'), `aws: { tasks: { ${VPC} } }`),
      'a restore test has a disk of "200 GiB"',
    ],
    [
      'layers of an image',
      onAws(
        database(),
        "aws: { databases: { layers: ['arn:aws:lambda:eu-central-1:123456789012:layer:pg:1'] } }",
      ),
      'an image has no layers',
    ],
    [
      'a schedule that comes too often',
      onAws(database(", schedule: '*/5 * * * *'")),
      'which comes after 5m already',
    ],
    [
      'a name that functions could not carry',
      onAws(database()).replace('my-site', 'a'.repeat(34)),
      'at most 33 characters',
    ],
    [
      'extensions of a zip',
      onAws(database(), 'aws: { databases: { package: zip, extensions: [cron] } }'),
      'nothing would install the extensions',
    ],
    [
      'a locale that is not one',
      onAws(database(), 'aws: { databases: { locales: [german] } }'),
      'a locale and its encoding',
    ],
    [
      'a network that is not one',
      onAws(database(), 'aws: { databases: { vpc: { id: x } } }'),
      'vpc',
    ],
  ])('refuses %s', (_, text, message) => {
    expect(faultsOf(text).join('\n')).toContain(message);
  });
});

describe('a bucket on AWS', () => {
  const bucket = (more = '') => `  media: { kind: bucket, bucket: shop-media${more} }`;
  const VPC =
    'vpc: { id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d] }';

  test('is backed up by a function, or by a task in the network of tasks or of databases', () => {
    expect(check(onAws(bucket())).config?.sources).toMatchObject([{ runOn: 'function' }]);
    for (const where of ['tasks', 'databases']) {
      const rest = `aws: { ${where}: { ${VPC} } }`;
      const { config, faults } = check(onAws(bucket(', runOn: task'), rest));
      expect(faults).toEqual([]);
      expect(config?.sources).toMatchObject([{ runOn: 'task' }]);
      expect(config?.aws?.tasks).toMatchObject({
        vcpus: 2,
        diskGiB: 200,
        vpc: { id: 'vpc-0a1b2c3d' },
      });
    }
  });

  test('needs no image with PostgreSQL for its task', () => {
    const rest = `aws: { databases: { package: zip }, tasks: { ${VPC} } }`;
    expect(faultsOf(onAws(bucket(', runOn: task'), rest))).toEqual([]);
  });

  test.each([
    ['a task without a network', onAws(bucket(', runOn: task')), ':5:', 'none is named'],
    ['a task without a stack', onAws(bucket(', runOn: task'), ''), ':5:', 'nobody would start'],
    [
      'more disk than Fargate has',
      onAws(bucket(', runOn: task'), `aws: { tasks: { ${VPC}, disk: 250 GiB } }`),
      ':6:',
      'got "250 GiB", which no task on Fargate has; allowed: from 21 GiB to 200 GiB',
    ],
    [
      'less disk than Fargate has',
      onAws(bucket(), 'aws: { tasks: { disk: 10 GB } }'),
      ':6:',
      'which no task on Fargate has',
    ],
    [
      'as many processors as Fargate does not have',
      onAws(bucket(', runOn: task'), `aws: { tasks: { ${VPC}, vcpus: 3 } }`),
      ':6:',
      '16',
    ],
  ])('refuses %s, at its line', (_, text, line, message) => {
    const [fault = '', ...more] = faultsOf(text);
    expect(more).toEqual([]);
    expect(fault).toContain(line);
    expect(fault).toContain(message);
  });
});
