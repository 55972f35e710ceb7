// What lambda/database/Dockerfile says, for tests that run the same without a container engine.
import { readFileSync } from 'node:fs';

const TEXT = readFileSync(new URL('../../lambda/database/Dockerfile', import.meta.url), 'utf8');

const linesOf = (instruction: string) =>
  TEXT.split('\n')
    .filter((line) => line.startsWith(`${instruction} `))
    .map((line) => line.slice(instruction.length + 1));

const pairsOf = (instruction: string) =>
  Object.fromEntries(
    linesOf(instruction).map((line) => {
      const [name = '', ...value] = line.split('=');
      return [name, value.join('=')];
    }),
  );

/** The last one counts, as for an engine. */
const commandOf = (instruction: string) =>
  JSON.parse(linesOf(instruction).at(-1) ?? '[]') as readonly string[];

export const DOCKERFILE = {
  args: pairsOf('ARG'),
  env: pairsOf('ENV'),
  /** Images that it begins with. */
  from: linesOf('FROM'),
  /** Sources and target of each. */
  copies: linesOf('COPY').map((line) => line.replace(/^--chmod=\d+ /, '').split(' ')),
  /** Of the one file of Node. */
  nodeMode: Number.parseInt(/^COPY --from=node --chmod=(\d+) /m.exec(TEXT)?.[1] ?? '', 8),
  run: linesOf('RUN'),
  entrypoint: commandOf('ENTRYPOINT'),
  command: commandOf('CMD'),
  workdir: linesOf('WORKDIR').at(-1) ?? '/',
} as const;
