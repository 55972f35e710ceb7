// `npm run bench`: measures Holdfast and the tools that are installed side by side, prints the tables and judges the targets.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.ts';
import { WATCHED } from './measure.ts';
import { stopS3Server } from './peers/s3-server.ts';
import { TOOLS } from './peers/table.ts';
import { OPERATIONS } from './peers/tool.ts';
import { renderPage, renderResults } from './report.ts';
import type { Results, TreeResult } from './results.ts';
import { measureDatabase } from './database/measure.ts';
import { DATABASE_TOOLS } from './database/tools.ts';
import { measureTree } from './rounds.ts';
import type { Plan } from './rounds.ts';
import { SUBJECTS } from './trees.ts';
import type { Subject } from './trees.ts';

const PAGE = path.join(import.meta.dirname, '..', 'docs', 'benchmarks.md');
const HELP = `usage: npm run bench -- [options]

  --only site,sql      what is measured: ${SUBJECTS.join(', ')}; "none" only reports
  --million            also the tree of a million files
  --ops first,file     operations: ${OPERATIONS.join(', ')}
  --tools a,b          tools: ${TOOLS.map((tool) => tool.name).join(', ')}
  --scale 0.1          size of the trees (1)
  --rounds 3           how often each operation is measured
  --seed text          what the trees are made from
  --work DIR           where trees and stores are kept (a folder in the system's temporary one)
  --json FILE          write what was measured
  --merge FILE         take the trees that this run does not measure from such a file; may be repeated
  --write              write docs/benchmarks.md
  --page FILE          write such a page of what is measured alone`;

/** Every tool, in the order of a report's columns. */
const SHOWN = [...TOOLS, ...DATABASE_TOOLS];

class UsageError extends Error {}

function choose<T extends string>(given: string | undefined, allowed: readonly T[]): T[] {
  if (given === undefined) return [...allowed];
  return given.split(',').map((name) => {
    const found = allowed.find((one) => one === name);
    if (found === undefined) {
      throw new UsageError(`"${name}" is none of ${allowed.join(', ')}`);
    }
    return found;
  });
}

function positive(given: string, name: string): number {
  const value = Number(given);
  if (!(value > 0)) throw new UsageError(`--${name} must be a number above 0, not "${given}"`);
  return value;
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      million: { type: 'boolean', default: false },
      ops: { type: 'string' },
      tools: { type: 'string' },
      scale: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '3' },
      seed: { type: 'string', default: 'holdfast' },
      work: { type: 'string', default: path.join(os.tmpdir(), 'holdfast-bench') },
      json: { type: 'string' },
      merge: { type: 'string', multiple: true, default: [] },
      write: { type: 'boolean', default: false },
      page: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return values;
}

type Arguments = ReturnType<typeof readArguments>;

function chooseKinds(values: Arguments): Subject[] {
  if (values.only === 'none') return [];
  const kinds = choose(values.only, SUBJECTS);
  return values.only === undefined && !values.million
    ? kinds.filter((kind) => kind !== 'million')
    : kinds;
}

function makePlan(values: Arguments): Plan {
  const names = choose(
    values.tools,
    TOOLS.map((tool) => tool.name),
  );
  const wanted = TOOLS.filter((tool) => names.includes(tool.name));
  for (const tool of wanted.filter((one) => one.version() === undefined)) {
    console.error(`missing: ${tool.title} is not installed and is left out`);
  }
  return {
    workFolder: path.resolve(values.work),
    scale: positive(values.scale, 'scale'),
    seed: values.seed,
    rounds: Math.ceil(positive(values.rounds, 'rounds')),
    operations: new Set(choose(values.ops, OPERATIONS)),
    tools: wanted.filter((tool) => tool.version() !== undefined),
    progress: (line) => console.error(line),
  };
}

function withEarlier(results: Results, files: readonly string[]): Results {
  const trees: TreeResult[] = [...results.trees];
  for (const file of files) {
    const earlier = JSON.parse(fs.readFileSync(file, 'utf8')) as Results;
    if (JSON.stringify(earlier.machine) !== JSON.stringify(results.machine)) {
      throw new UsageError(`${file} was measured on another machine or Node than this one`);
    }
    for (const tree of earlier.trees) {
      if (!trees.some((one) => one.kind === tree.kind)) trees.push(tree);
    }
  }
  trees.sort((left, right) => SUBJECTS.indexOf(left.kind) - SUBJECTS.indexOf(right.kind));
  return { ...results, trees };
}

async function main(): Promise<number> {
  const values = readArguments();
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const kinds = chooseKinds(values);
  const plan = makePlan(values);
  if (!WATCHED) console.error('missing: python3, so CPU time and memory are not measured');
  fs.mkdirSync(plan.workFolder, { recursive: true });
  let results: Results = {
    machine: describeMachine(plan.workFolder),
    versions: Object.fromEntries(SHOWN.map((tool) => [tool.name, tool.version() ?? null])),
    trees: [],
  };
  for (const kind of kinds) {
    const now = new Date();
    const tree =
      kind === 'database' ? await measureDatabase(plan, now) : await measureTree(kind, plan, now);
    results = { ...results, trees: [...results.trees, tree] };
    // After each tree, so that hours are not lost when a later one fails.
    if (values.json !== undefined) fs.writeFileSync(values.json, JSON.stringify(results, null, 1));
  }
  const all = withEarlier(results, values.merge);
  console.log(renderResults(all, SHOWN));
  const page = (command: string, measured: boolean): string =>
    renderPage(all, SHOWN, { command, measured });
  if (values.write) fs.writeFileSync(PAGE, page('npm run bench -- --million --write', false));
  if (values.page !== undefined) {
    const given = process.argv.slice(2).join(' ');
    fs.writeFileSync(values.page, page(`npm run bench -- ${given}`, true));
  }
  return results.trees.some((tree) => tree.failures.length > 0) ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof UsageError || (error instanceof TypeError && 'code' in error);
  if (!isUsage) throw error;
  console.error(error.message);
  console.error(HELP);
  process.exitCode = 2;
} finally {
  await stopS3Server();
}
