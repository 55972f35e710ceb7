// Random stores at random times: what `status` shows, what `freshness` publishes, what the daily report says and whether the heartbeat
// is called agree. All four are the real ones; of AWS, only what they say to it is taken down.
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudWatchClient, type PutMetricDataCommandInput } from '@aws-sdk/client-cloudwatch';
import { KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { tellDay } from '../../lib/functions/alert.ts';
import type { Invocation } from '../../lib/functions/invocation.ts';
import { watch } from '../../lib/functions/freshness.ts';
import type { Config, SourceConfig } from '../../lib/config/config.ts';
import { promisesOf } from '../../lib/config/objectives.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import { claimStore } from '../../lib/engine/catalog/marker.ts';
import { pruneSource } from '../../lib/engine/prune.ts';
import { restoreTest } from '../../lib/engine/restore-test.ts';
import { statusOf } from '../../lib/engine/status.ts';
import { surveySource } from '../../lib/engine/catalog/survey.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { localSigner } from '../../lib/format/signed.ts';
import { openBackupReader } from '../../lib/recovery-points/aws-backup.ts';
import { lookAtRecoveryPoints } from '../../lib/recovery-points/watch.ts';
import { selectionPromise } from '../../lib/config/objectives.ts';
import { DEFAULT_RETENTION } from '../../lib/policy/retention-policy.ts';
import { parseSchedule } from '../../lib/policy/schedule.ts';
import type { StoredObject } from '../../lib/stores/store.ts';
import { disagreements } from '../support/agreement.ts';
import { awsWith, selectionConfig, TABLE } from '../support/watched-points.ts';
import { listedPoint, SmallBackup } from '../support/small-backup.ts';
import { noise, Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  codeOf,
  DAILY,
  DAY_MS,
  engineOn,
  folderSource,
  makeKeys,
  SYSTEM,
} from '../support/engine.ts';

const HOUR_MS = 3_600_000;

const LOCK_DAYS = 4;

/** A store that keeps versions, as a bucket does: objects can be hidden, and marked to be deleted. */
class MeddledStore extends ClockedStore {
  readonly hidden = new Set<string>();
  readonly released = new Set<string>();

  isReleased(key: string): Promise<boolean> {
    return Promise.resolve(this.released.has(key));
  }

  lockedUntil(key: string): Promise<Date | undefined> {
    const { storedAt = new Date(0) } = this.objects.get(key) ?? {};
    const byDefault = new Date(storedAt.getTime() + LOCK_DAYS * DAY_MS);
    return Promise.resolve(this.protectedUntil.get(key) ?? byDefault);
  }

  override async head(key: string): Promise<StoredObject | undefined> {
    const object = await super.head(key);
    return object && this.hidden.has(key) ? { ...object, covered: 'deleted' } : object;
  }
}

const heard = { beats: 0, subjects: [] as string[] };
const published = new Map<string, number>();
let server: http.Server;
let backup: SmallBackup;
let scratch: Scratch;
const before = { ...process.env };

beforeAll(async () => {
  scratch = new Scratch();
  fs.mkdirSync(scratch.at('scratch'));
  // The heartbeat, the parameter that holds its address, and the topic.
  server = http.createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString();
      if (request.url === '/beat') {
        heard.beats += 1;
        response.end();
      } else if (String(request.headers['x-amz-target']).endsWith('.GetParameter')) {
        response.setHeader('content-type', 'application/x-amz-json-1.1');
        response.end(JSON.stringify({ Parameter: { Value: `${base()}/beat` } }));
      } else if (String(request.headers['x-amz-target']).endsWith('.DescribeKey')) {
        response.setHeader('content-type', 'application/x-amz-json-1.1');
        response.end(JSON.stringify({ KeyMetadata: { KeyId: 'key', KeyState: 'Enabled' } }));
      } else {
        heard.subjects.push(new URLSearchParams(body).get('Subject') ?? '');
        response.setHeader('content-type', 'text/xml');
        response.end(
          '<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>',
        );
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  backup = await SmallBackup.start();
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_BACKUP: backup.endpoint,
    AWS_ENDPOINT_URL: base(),
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'eu-central-1',
  });
});
afterAll(async () => {
  process.env = before;
  await backup[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
  scratch[Symbol.dispose]();
});

function base(): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The client of CloudWatch, with the network taken off: what it would send is noted. */
function noting(): CloudWatchClient {
  const client = new CloudWatchClient({ region: 'eu-central-1' });
  client.middlewareStack.add(
    () => (args) => {
      const { MetricData = [] } = args.input as PutMetricDataCommandInput;
      for (const { MetricName = '', Dimensions = [], Value = NaN } of MetricData) {
        const of = (name: string) => Dimensions.find(({ Name }) => Name === name)?.Value;
        const about = [of('Source'), of('Resource'), of('Vault')].filter(
          (one) => one !== undefined,
        );
        published.set(`${about.join(' ')}/${MetricName}`, Value);
      }
      return Promise.resolve({ output: { $metadata: {} }, response: {} });
    },
    { step: 'initialize', name: 'noting' },
  );
  return client;
}

const CONFIGURED = {
  kind: 'files',
  name: 'site',
  schedule: '0 3 * * 0',
  timeZone: 'UTC',
  graceMs: 2 * HOUR_MS,
  rpoMs: 24 * HOUR_MS,
  rtoMs: 4 * HOUR_MS,
  restoreTest: { every: 'month', maxAgeMs: 20 * DAY_MS },
  retention: DEFAULT_RETENTION,
} as unknown as SourceConfig;
/** Backed up when somebody asks; no restore is fast enough. */
const ON_REQUEST = {
  ...CONFIGURED,
  name: 'on-request',
  schedule: undefined,
  rpoMs: undefined,
  rtoMs: 0,
  restoreTest: { every: 'never', maxAgeMs: undefined },
} as unknown as SourceConfig;

/** Protected by AWS Backup, once a month. */
const TABLES = selectionConfig({
  expected: { arns: [TABLE] },
  schedule: '0 5 1 * *',
  rpoMs: undefined,
  restoreTest: { ...selectionConfig().restoreTest, maxAgeMs: undefined },
});
const VAULT = `holdfast-${SYSTEM}`;

const CONFIG = {
  system: SYSTEM,
  sources: [CONFIGURED, ON_REQUEST],
  capacityBytes: 120_000,
  aws: { lockDays: LOCK_DAYS, ...awsWith([TABLES]) },
  notify: { email: [], sinks: [], heartbeat: { scheme: 'ssm', name: '/heartbeat' } },
} as unknown as Config;

const POINTS = awsWith([TABLES]).recoveryPoints;
const SUNDAYS = parseSchedule('0 3 * * 0', 'UTC');
const MONTHLY = parseSchedule('0 3 1 * *', 'UTC');

type Step =
  | { readonly does: 'run'; readonly kind: 'manual' | 'schedule'; readonly proven: boolean }
  | { readonly does: 'wait'; readonly ms: number }
  | { readonly does: 'fail' | 'forge' | 'future' | 'abandon' | 'shrink' | 'prune' | 'test' }
  | { readonly does: 'point'; readonly state: string }
  | { readonly does: 'veil'; readonly denies: boolean }
  | { readonly does: 'damage' | 'lose' | 'hide' | 'release'; readonly which: number };

const aStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('point' as const),
      state: fc.constantFrom('COMPLETED', 'COMPLETED', 'PARTIAL', 'EXPIRED', 'SLEEPING'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('veil' as const), denies: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constant('run' as const),
      kind: fc.constantFrom('manual' as const, 'schedule' as const),
      proven: fc.nat(5).map((n) => n > 0),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant('wait' as const),
      ms: fc.oneof(
        fc.integer({ min: 0, max: 2 * HOUR_MS }),
        fc.integer({ min: HOUR_MS, max: 30 * HOUR_MS }),
        fc.integer({ min: HOUR_MS, max: 40 * DAY_MS }),
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constantFrom(
        ...(['fail', 'forge', 'future', 'abandon', 'shrink', 'prune', 'test'] as const),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constantFrom(
        'damage' as const,
        'lose' as const,
        'hide' as const,
        'release' as const,
      ),
      which: fc.nat(9),
    }),
  },
);

class System {
  readonly clock = new Clock();
  readonly store = new MeddledStore(this.clock);
  readonly engine: Engine = engineOn(this.store, this.clock, { scratch: scratch.at('scratch') });
  readonly root: string;
  private runs = 0;

  constructor(root: string) {
    this.root = root;
    fs.mkdirSync(root);
    fs.writeFileSync(`${root}/large`, noise(20_000));
    backup.keep(VAULT, [listedPoint(TABLE, this.clock.now())]);
    backup.faults = () => undefined;
  }

  async take(step: Step): Promise<void> {
    this.clock.advance(1000);
    switch (step.does) {
      case 'wait':
        this.clock.advance(step.ms);
        return;
      case 'run': {
        const made = await this.backUp(this.engine, 'site', step.kind);
        if (step.proven) await verifyBackup(this.engine, made, 'digest');
        return;
      }
      case 'fail':
        await codeOf(backUpNow(this.engine, folderSource(`${this.root}-gone`)));
        return;
      case 'forge': {
        const signer = localSigner(makeKeys().privateKey);
        await this.backUp({ ...this.engine, signer }, 'site', 'manual');
        return;
      }
      case 'future': {
        const at = new Date(this.clock.ms + 3 * DAY_MS);
        await backUpNow(this.engine, folderSource(this.root), { at });
        return;
      }
      case 'abandon': {
        const made = await this.backUp(this.engine, 'abandoned', 'manual');
        await verifyBackup(this.engine, made, 'digest');
        return;
      }
      case 'point':
        backup.vaults
          .get(VAULT)
          ?.points.push(listedPoint(TABLE, this.clock.now(), { Status: step.state }));
        return;
      case 'veil': {
        const denied = { status: 403, name: 'AccessDeniedException' };
        backup.faults = () => (step.denies ? denied : undefined);
        return;
      }
      case 'shrink':
        fs.rmSync(`${this.root}/large`, { force: true });
        return;
      case 'prune':
        // Sometimes the configuration had another schedule.
        await pruneSource(this.engine, 'site', {
          ...DAILY,
          lockDays: LOCK_DAYS,
          schedules: new Map([['site', this.runs % 2 === 0 ? SUNDAYS : MONTHLY]]),
        });
        return;
      case 'test': {
        const made = await this.backUp(this.engine, 'on-request', 'manual');
        await verifyBackup(this.engine, made, 'digest');
        await restoreTest(this.engine, made);
        return;
      }
      default:
        await this.meddle(step);
    }
  }

  private async backUp(engine: Engine, name: string, kind: 'manual' | 'schedule') {
    fs.writeFileSync(`${this.root}/now`, `run ${this.runs++}`);
    return backUpNow(engine, folderSource(this.root, { name }), { kind });
  }

  private async meddle({ does, which }: Extract<Step, { readonly which: number }>) {
    const all = ['site', 'abandoned'].map((name) => surveySource(this.engine, name));
    const backups = (await Promise.all(all)).flatMap((survey) => survey.backups);
    const one = backups[which % Math.max(1, backups.length)];
    const archive = one?.manifest.artifacts.find(({ role }) => role === 'archive')?.key;
    if (one === undefined || archive === undefined) return;
    if (does === 'hide') this.store.hidden.add(one.manifest.key);
    if (does === 'release') this.store.released.add(archive);
    if (does === 'lose') this.store.objects.delete(archive);
    if (does !== 'damage') return;
    this.store.objects.get(archive)?.bytes.fill(0, 600, 610);
    await verifyBackup(this.engine, one, 'digest');
  }

  /** The four of them, at one time. */
  async ask() {
    const invocation: Invocation = {
      engine: this.engine,
      config: CONFIG,
      runsOn: 'function',
      settings: { store: 'memory:', signingKey: undefined, trustedKeys: [], topic: 'arn:topic' },
      kms: new KMSClient({ region: 'eu-central-1' }),
      cloudWatch: noting(),
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      publish: () => Promise.resolve(),
    };
    published.clear();
    const before = { ...heard, subjects: heard.subjects.length };
    const { allIsWell } = await watch(invocation);
    await tellDay(invocation, this.clock.now());
    const status = await statusOf(this.engine, {
      objectives: promisesOf(CONFIG),
      capacityBytes: CONFIG.capacityBytes,
      isReleased: (key) => this.store.isReleased(key),
      locks: { days: LOCK_DAYS, lockedUntil: (key) => this.store.lockedUntil(key) },
      recoveryPoints: await lookAtRecoveryPoints(this.engine, {
        system: SYSTEM,
        config: POINTS,
        sources: CONFIG.sources.map(({ name }) => name),
        open: () => openBackupReader(),
      }),
    });
    const [subject = '', ...more] = heard.subjects.slice(before.subjects);
    expect(more).toEqual([]);
    return { status, allIsWell, subject, beats: heard.beats - before.beats };
  }

  async expectAgreement(): Promise<void> {
    const { status, allIsWell, subject, beats } = await this.ask();
    const numbers = (source: string) =>
      Object.fromEntries(
        [...published]
          .filter(([name]) => name.startsWith(`${source}/`))
          .map(([name, value]) => [name.slice(source.length + 1), value]),
      );
    const objectives = promisesOf(CONFIG);
    const found = disagreements({
      at: status.at,
      status,
      published: {
        sources: new Map([...objectives.keys()].map((name) => [name, numbers(name)])),
        system: numbers(''),
        resources: new Map([[`tables ${TABLE}`, numbers(`tables ${TABLE}`)]]),
      },
      promises: new Map([['tables', selectionPromise(TABLES)]]),
      config: CONFIG,
      objectives,
    });
    expect(found).toEqual([]);
    expect({ allIsWell, beats, reported: subject.endsWith('] all is well') }).toEqual({
      allIsWell: status.well,
      beats: status.well ? 1 : 0,
      reported: status.well,
    });
    if (status.verdict === 'alarm') expect(subject).toMatch(/needs? action$/);
    verdicts.add(`${status.verdict} ${status.well}`);
    for (const one of [
      ...status.sources,
      status.store,
      ...(status.recoveryPoints?.resources ?? []),
    ])
      for (const { code } of one.findings) codes.add(code);
  }
}

const verdicts = new Set<string>();
const codes = new Set<string>();
let systems = 0;

async function live(steps: readonly Step[]): Promise<void> {
  const system = new System(scratch.at(`site-${systems++}`));
  await claimStore(system.engine);
  for (const [index, step] of steps.entries()) {
    await system.take(step);
    if (index % 4 === 0 || index === steps.length - 1) await system.expectAgreement();
  }
}

test('status, metrics, report and heartbeat agree, whatever became of the store', async () => {
  await fc.assert(fc.asyncProperty(fc.array(aStep, { minLength: 4, maxLength: 12 }), live), {
    numRuns: process.env['HOLDFAST_SWEEPS'] === undefined ? 13 : 300,
    examples: [
      [[]],
      [
        [
          { does: 'run', kind: 'manual', proven: true },
          { does: 'prune' },
          { does: 'wait', ms: 3 * DAY_MS },
        ],
      ],
      [[{ does: 'run', kind: 'schedule', proven: true }, { does: 'test' }]],
      [
        [
          { does: 'run', kind: 'schedule', proven: true },
          { does: 'prune' },
          { does: 'wait', ms: 4 * DAY_MS },
        ],
      ],
      [[{ does: 'abandon' }, { does: 'lose', which: 0 }]],
      [[{ does: 'point', state: 'PARTIAL' }]],
      [[{ does: 'veil', denies: true }]],
      [[{ does: 'wait', ms: 40 * DAY_MS }]],
      [
        [
          { does: 'run', kind: 'schedule', proven: true },
          { does: 'hide', which: 0 },
        ],
      ],
      [
        [
          { does: 'run', kind: 'schedule', proven: true },
          { does: 'release', which: 0 },
        ],
      ],
      [
        [
          { does: 'run', kind: 'manual', proven: false },
          { does: 'wait', ms: 2 * HOUR_MS },
        ],
      ],
      [[{ does: 'run', kind: 'manual', proven: true }, { does: 'future' }, { does: 'forge' }]],
    ],
  });
  // Otherwise it was about nothing.
  expect([...verdicts]).toEqual(
    expect.arrayContaining(['watch true', 'watch false', 'alarm false']),
  );
  const looked = [
    ...['awaited', 'damaged', 'hidden', 'released', 'future', 'untrusted', 'rto', 'prune', 'lock'],
    ...['point-late', 'point-bad'],
  ];
  expect(looked.filter((code) => !codes.has(code))).toEqual([]);
}, 600_000);
