// What timers are made of: units that systemd itself reads, lines that a shell runs, property lists that Python reads.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { blocksIn, cronBlock, withBlock } from '../../../lib/cli/schedule/cron.ts';
import { agentFiles } from '../../../lib/cli/schedule/launchd.ts';
import { unitFiles } from '../../../lib/cli/schedule/systemd.ts';
import {
  assertWritable,
  changesOf,
  commandOf,
  readMark,
  TIMERS,
  type Start,
} from '../../../lib/cli/schedule/timers.ts';
import { need } from '../../needs/need.ts';

need('systemd');
need('python3');

let root: string;
let odd: string;
let start: Start;

beforeAll(() => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), 'holdfast-timers-')));
  odd = path.join(root, `a b%h$HOME\\'"--é`);
  const ofNode = path.join(root, 'a b%h$HOME--é');
  for (const folder of [odd, ofNode]) mkdirSync(folder);
  symlinkSync(process.execPath, path.join(ofNode, 'node'));
  start = {
    system: 'shop',
    node: path.join(ofNode, 'node'),
    program: path.join(odd, 'print.cjs'),
    config: path.join(odd, 'holdfast.yaml'),
    store: path.join(odd, 'store'),
    envFile: path.join(odd, 'shop.env'),
    searchPath: `/usr/bin:/bin:${odd}`,
  };
  writeFileSync(
    start.program,
    'console.log(JSON.stringify([process.argv.slice(2), process.env.PATH, process.env.SECRET]))',
  );
  writeFileSync(start.envFile ?? '', 'SECRET="a b$c"\n', { mode: 0o600 });
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

const runDue = TIMERS[0];

describe('units of systemd', () => {
  test.each([true, false])('are taken by systemd, odd paths and all (root: %s)', (isRoot) => {
    const folder = path.join(root, `units-${String(isRoot)}`);
    mkdirSync(folder);
    for (const [name, text] of unitFiles(start, isRoot))
      writeFileSync(path.join(folder, name), text);
    const files = readdirSync(folder).map((name) => path.join(folder, name));
    expect(files.map((one) => path.basename(one))).toEqual([
      ...['escalate.service', 'escalate.timer', 'run-due.service', 'run-due.timer'].map((end) =>
        expect.stringMatching(new RegExp(`^holdfast-shop-[0-9a-f]{8}-${end}$`)),
      ),
    ]);
    const verified = verify(files, isRoot);
    expect([verified.status, verified.stderr.toString()]).toEqual([0, '']);
  });

  test('are refused by systemd when the program is not where they say', () => {
    const folder = path.join(root, 'broken');
    mkdirSync(folder);
    const gone = { ...start, node: `${start.node}-gone` };
    for (const [name, text] of unitFiles(gone, true)) writeFileSync(path.join(folder, name), text);
    const files = readdirSync(folder).map((name) => path.join(folder, name));
    const { status, stderr } = verify(files, true);
    expect([status === 0, stderr.toString()]).toEqual([
      false,
      expect.stringContaining(`Command ${gone.node} is not executable`),
    ]);
  });

  test('are not written for a Node that systemd does not start', () => {
    expect(() => unitFiles({ ...start, node: path.join(odd, 'node') }, true)).toThrow(
      /systemd starts no program with a quote/,
    );
  });

  test('wake run-due every quarter of an hour and escalate every minute', () => {
    const next = (expression: string) =>
      spawnSync('systemd-analyze', ['calendar', expression], { encoding: 'utf8' }).stdout;
    const calendars = [...unitFiles(start, true).values()].flatMap(
      (text) => /^OnCalendar=(.*)$/m.exec(text)?.[1] ?? [],
    );
    expect(calendars.map((one) => /Normalized form: (.*)/.exec(next(one))?.[1])).toEqual([
      '*-*-* *:00/15:00',
      '*-*-* *:*:00',
    ]);
  });

  /** Without a bus of its own, systemd cannot look at units of a user. */
  function verify(files: readonly string[], isRoot: boolean) {
    const runtime = path.join(root, 'runtime');
    mkdirSync(runtime, { recursive: true });
    chmodSync(runtime, 0o700);
    return spawnSync('systemd-analyze', ['verify', ...(isRoot ? [] : ['--user']), ...files], {
      env: { ...process.env, XDG_RUNTIME_DIR: runtime, LC_ALL: 'C' },
    });
  }
});

describe('a crontab', () => {
  test('has lines without a percent sign, which a shell runs with the words that were meant', () => {
    const lines = cronBlock(start)
      .split('\n')
      .filter((line) => /^[*]/.test(line));
    expect(lines.map((line) => line.slice(0, 14))).toEqual(['*/15 * * * * P', '* * * * * PATH']);
    for (const [index, line] of lines.entries()) {
      expect(line).not.toContain('%');
      const command = line.replace(/^(\S+ ){5}/, '');
      const said = spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8', env: {} });
      const timer = TIMERS[index];
      if (timer === undefined) throw new Error('more lines than timers');
      expect(JSON.parse(said.stdout)).toEqual([
        commandOf(start, timer, { quiet: true }).slice(3),
        start.searchPath,
        'a b$c',
      ]);
    }
  });

  test('keeps every line of the user, wherever ours stand, and gets them back as they were', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[ -~]{0,30}$/), { maxLength: 5 }),
        fc.array(fc.stringMatching(/^[ -~]{1,30}$/), { maxLength: 5 }),
        (above, below) => {
          const own = above.map((line) => `${line}\n`).join('');
          const name = 'holdfast-shop';
          const plain = { ...start, store: undefined };
          const once = withBlock(own, name, cronBlock(plain));
          const more = once + below.map((line) => `${line}\n`).join('');
          // Twice is once, and another Node takes its place.
          expect(withBlock(more, name, cronBlock(plain))).toBe(more);
          const moved = withBlock(more, name, cronBlock({ ...plain, node: '/n/$&/node' }));
          expect(blocksIn(moved).get(name)?.start.node).toBe('/n/$&/node');
          expect(withBlock(moved, name, undefined)).toBe(
            own + below.map((line) => `${line}\n`).join(''),
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  test('is not written with a line that cron would cut', () => {
    expect(() => cronBlock({ ...start, searchPath: `/${'x'.repeat(1000)}` })).toThrow(
      /the command for cron has \d+ bytes; cron takes at most 999/,
    );
  });
});

test('property lists of launchd start what was meant, as Python reads them', () => {
  for (const [index, text] of [...agentFiles(start).values()].entries()) {
    const said = spawnSync(
      'python3',
      [
        '-c',
        'import plistlib,sys,json; p=plistlib.loads(sys.stdin.buffer.read()); print(json.dumps(p))',
      ],
      { input: text, encoding: 'utf8' },
    );
    const timer = TIMERS[index];
    if (timer === undefined) throw new Error('more files than timers');
    expect(JSON.parse(said.stdout)).toMatchObject({
      ProgramArguments: commandOf(start, timer, { quiet: timer.verb === 'escalate' }),
      EnvironmentVariables: { PATH: start.searchPath },
      ...(timer.verb === 'escalate'
        ? { StartInterval: 60 }
        : { StartCalendarInterval: [0, 15, 30, 45].map((Minute) => ({ Minute })) }),
    });
  }
});

test('every file says what it starts, so that it is known again', () => {
  const texts = [
    ...unitFiles(start, false).values(),
    ...agentFiles(start).values(),
    cronBlock(start),
  ];
  for (const text of texts) expect(readMark(text)).toEqual(start);
  expect(readMark('# something else\n[Unit]\n')).toBeUndefined();
  expect(changesOf(start, { ...start, node: '/usr/bin/node' })).toEqual([
    `Node was ${start.node}, and is /usr/bin/node`,
  ]);
  expect(runDue?.everyMinutes).toBe(15);
});

test('a path with a line break is refused, as no unit could hold it', () => {
  expect(() => assertWritable({ ...start, config: '/a\nExecStart=/evil' })).toThrow(
    /config is "\/a\\nExecStart=\/evil"/,
  );
});
