// What the timers of a system start, and what a file that was written for them says about itself. Pure.
import { createHash } from 'node:crypto';
import { HoldfastError } from '../../errors.ts';

export const MANAGERS = ['systemd', 'cron', 'launchd'] as const;

/** What starts programs by the clock. */
export type Manager = (typeof MANAGERS)[number];

/** What a timer starts: everything that a shell would otherwise know. All paths are absolute. */
export interface Start {
  readonly system: string;
  readonly node: string;
  readonly program: string;
  readonly config: string;
  /** Where it is not the one in the configuration. */
  readonly store: string | undefined;
  /** With the variables that `env:` names. */
  readonly envFile: string | undefined;
  /** The variable `PATH`. */
  readonly searchPath: string;
}

/** One of the two things that are done by the clock. */
export interface Timer {
  readonly verb: 'run-due' | 'escalate';
  readonly about: string;
  readonly everyMinutes: 15 | 1;
  /** Behind the program; without `--config` and what else every command takes. */
  readonly args: readonly string[];
}

export const TIMERS: readonly Timer[] = [
  {
    verb: 'run-due',
    about: 'backs up, proves and tests what is due',
    everyMinutes: 15,
    args: ['run-due'],
  },
  {
    verb: 'escalate',
    about: 'looks at the system, and sends what messages are due',
    everyMinutes: 1,
    args: ['escalate', '--once'],
  },
];

/** The words of the command line that a timer starts. */
export function commandOf(start: Start, timer: Timer, { quiet }: { quiet: boolean }): string[] {
  const { node, program, config, store, envFile } = start;
  return [
    node,
    ...(envFile === undefined ? [] : [`--env-file=${envFile}`]),
    program,
    ...timer.args,
    ...(quiet ? ['--quiet'] : []),
    ...['--config', config],
    ...(store === undefined ? [] : ['--store', store]),
  ];
}

/** `holdfast-shop`; a second store of the same system has timers of its own. */
export function baseName({ system, store }: Pick<Start, 'system' | 'store'>): string {
  if (store === undefined) return `holdfast-${system}`;
  const digest = createHash('sha256').update(store).digest('hex').slice(0, 8);
  return `holdfast-${system}-${digest}`;
}

/** By which a file is known as ours; what follows is a `Start` as JSON. */
const MARK = 'holdfast-timer:';

/** What a file says about itself, on one line. */
export function markOf(start: Start): string {
  // Two hyphens in a row end a comment of XML.
  return `${MARK} ${JSON.stringify(start).replaceAll('--', '-\\u002d')}`;
}

/** What a file that we have written starts; undefined for any other. */
export function readMark(text: string): Start | undefined {
  const [, json = ''] = new RegExp(`${MARK} (\\{.*\\})`).exec(text) ?? [];
  try {
    const value = json === '' ? undefined : (JSON.parse(json) as Partial<Start>);
    const isWhole = [value?.system, value?.node, value?.program, value?.config].every(
      (one) => typeof one === 'string',
    );
    return isWhole ? (value as Start) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What is different in what is going to be started, in words. */
export function changesOf(before: Start, after: Start): string[] {
  const words = {
    config: 'holdfast.yaml',
    node: 'Node',
    program: 'Holdfast',
    store: 'the store',
    envFile: 'the file of variables',
    searchPath: 'PATH',
  } as const;
  return Object.entries(words).flatMap(([key, word]) => {
    const [was, is] = [before, after].map((one) => one[key as keyof typeof words]);
    return was === is ? [] : [`${word} was ${was ?? 'not set'}, and is ${is ?? 'not set'}`];
  });
}

/** `USAGE` for a path that no unit file, crontab or property list can hold. */
export function assertWritable(start: Start): void {
  for (const [name, value] of Object.entries(start)) {
    const [odd] = /[\u0000-\u001f\u007f]/.exec(String(value)) ?? [];
    if (odd === undefined) continue;
    throw new HoldfastError(
      'USAGE',
      `${name} is ${JSON.stringify(value)}: a timer can start nothing with a control character in its path`,
      { hint: 'Rename it, or wake `holdfast run-due` by other means.' },
    );
  }
}
