// The results as Markdown tables, aligned so that they read well on a terminal too. Pure.
import { BACKUPS, OPERATIONS, OPERATION_TITLES } from './peers/tool.ts';
import type { Operation, Tool } from './peers/tool.ts';
import { medianOf, peakOf, ratio, samplesOf } from './results.ts';
import type { Cell, Results, TreeResult } from './results.ts';
import { judgeTargets } from './targets.ts';
import { ABOUT } from './trees.ts';

const NOTHING = '–';
const MEGABYTE = 1e6;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function seconds(value: number): string {
  return value < 1 ? `${(value * 1000).toFixed(0)} ms` : `${value.toFixed(2)} s`;
}

function megabytes(bytes: number): string {
  const value = bytes / MEGABYTE;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} MB`;
}

function wallCell(tree: TreeResult, cell: Cell): string {
  const wall = medianOf(tree, cell, 'wallSeconds');
  if (wall === undefined) {
    const failed = tree.failures.some(
      (one) => one.tool === cell.tool && one.operation === cell.operation,
    );
    return failed ? 'failed' : NOTHING;
  }
  const base = tree.kind === 'database' ? 'holdfast-dump' : 'holdfast';
  const times = ratio(tree, cell, { tool: base, operation: cell.operation });
  const compared = times === undefined || cell.tool === base ? '' : ` (${times.toFixed(2)}×)`;
  return seconds(wall) + compared;
}

function costCell(tree: TreeResult, cell: Cell): string {
  const cpu = medianOf(tree, cell, 'cpuSeconds');
  const peak = peakOf(tree, cell.tool, cell.operation);
  if (cpu === undefined || peak === undefined) return NOTHING;
  return `${seconds(cpu)}, ${megabytes(peak)}`;
}

function storedCell(tree: TreeResult, cell: Cell): string {
  const bytes = medianOf(tree, cell, 'storedBytes');
  return bytes === undefined ? NOTHING : megabytes(bytes);
}

type CellWriter = (tree: TreeResult, cell: Cell) => string;

function treeTable(
  tree: TreeResult,
  tools: readonly Tool[],
  operations: readonly Operation[],
  write: CellWriter,
): string {
  const rows = operations.map((operation) => [
    OPERATION_TITLES[operation],
    ...tools.map((tool) => write(tree, { tool: tool.name, operation })),
  ]);
  return table(['', ...tools.map((tool) => tool.title)], rows);
}

function treeSection(tree: TreeResult, tools: readonly Tool[]): string {
  const used = tools.filter(
    (tool) =>
      tree.samples.some((one) => one.tool === tool.name) ||
      tree.failures.some((one) => one.tool === tool.name),
  );
  const done = OPERATIONS.filter((operation) =>
    used.some((tool) => samplesOf(tree, tool.name, operation).length > 0),
  );
  const written = done.filter((operation) => BACKUPS.has(operation));
  const scale = tree.scale === 1 ? '' : `, scale ${tree.scale}`;
  const failures = tree.failures.map(
    (one) =>
      `- ${one.tool}, ${OPERATION_TITLES[one.operation]}, round ${one.round + 1}: ${one.message}`,
  );
  return [
    `## \`${tree.kind}\`: ${ABOUT[tree.kind]}`,
    `${tree.files} files, ${megabytes(tree.bytes)}${scale}; ${tree.rounds} rounds, ${tree.measuredAt.slice(0, 10)}.`,
    'Wall time (how many times Holdfast’s):',
    treeTable(tree, used, done, wallCell),
    'CPU time of all processes, peak RSS of the largest:',
    treeTable(tree, used, done, costCell),
    ...(written.length === 0
      ? []
      : ['Bytes added to the store:', treeTable(tree, used, written, storedCell)]),
    ...(failures.length === 0 ? [] : ['Failed:', failures.join('\n')]),
  ].join('\n\n');
}

function isMeasured({ trees }: Results, { name }: Tool): boolean {
  return trees.some(({ samples }) => samples.some(({ tool }) => tool === name));
}

function toolsSection(results: Results, tools: readonly Tool[]): string {
  const rows = tools.map((tool) => [
    tool.title,
    results.versions[tool.name] ?? '**missing: not installed**',
    tool.about,
  ]);
  return ['## Tools', table(['tool', 'version', 'as used'], rows)].join('\n\n');
}

function targetsSection(results: Results, measured: boolean): string {
  const verdicts = judgeTargets(results).filter(
    ({ verdict }) => !measured || verdict !== 'not measured',
  );
  const count = (verdict: string): number =>
    verdicts.filter((one) => one.verdict === verdict).length;
  const scaled = results.trees.some((tree) => tree.scale !== 1);
  const rows = verdicts.map((one) => [one.title, one.kind, one.wanted, one.measured, one.verdict]);
  return [
    '## Targets',
    `${count('met')} met, ${count('NOT MET')} not met, ${count('not measured')} not measured.` +
      (scaled ? ' Some trees were scaled down; the targets are meant for scale 1.' : ''),
    table(['target', 'tree', 'wanted', 'measured', 'verdict'], rows),
  ].join('\n\n');
}

/** Targets, tools and one section per tree; `tools` gives the order of the columns. With `measured`, no target that was not measured. */
export function renderResults(results: Results, tools: readonly Tool[], measured = false): string {
  return [
    targetsSection(results, measured),
    toolsSection(results, measured ? tools.filter((one) => isMeasured(results, one)) : tools),
    ...results.trees.map((tree) => treeSection(tree, tools)),
  ].join('\n\n');
}

const introduction = (command: string): string => `# Benchmarks

Written on one machine by this command:

\`\`\`sh
${command}
\`\`\`

Times differ between machines, and between minutes on a shared one, so look at the ratios.
Run it where you mean to use Holdfast.`;

const METHOD = `## How it is measured

- The trees are generated from a seed and are the same everywhere.
  \`--scale 0.1\` makes them smaller.
- Each round gives every tool an empty store and does each operation with all tools in turn, starting with another tool
  each round.
  Times are medians over the rounds, ratios the medians of each round's own ratio, memory the highest of all rounds.
- The page cache is warm, and everything written before is flushed to disk before the clock starts.
- Creating a repository (\`restic init\`, \`borg init\`) and removing restored files are not counted.
  Everything else is, including the start of Node.
- Wall time, CPU time and memory are the kernel's own figures (\`wait4\`) for the command with all its child processes.
  Memory below about 10 MB reads as 10 MB, because the watching process itself uses that much.
- What was restored is counted and compared with the tree, which is not timed.
  A tool that restored something else has failed.
- "1 % changed" means that one percent of the files are edited and each log grows by one percent.
  In the SQL file, one percent of the bytes are rewritten in five places, and rows are appended.
- "Fresh checkout" is a new copy of the changed tree at the same path, so every inode and time is new.
  Holdfast's source has \`times: content\` there.
- restic encrypts, Holdfast signs, the others do neither.
- \`tar\` and the script start from nothing at each backup, so only their first backup is measured.
  Holdfast's store gets a whole archive with each backup, which \`tar\` alone can restore.
  restic and borg add what is new.
- MB is 1,000,000 bytes.`;

/** A whole page; `command` is what wrote it. Of a part of all measurements when `measured`: then without what was not measured. */
export function renderPage(
  results: Results,
  tools: readonly Tool[],
  { command, measured }: { command: string; measured: boolean },
): string {
  const { machine } = results;
  const facts = [
    `- CPU: ${machine.cpu}, ${machine.cores} cores`,
    `- memory: ${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB`,
    `- system: ${machine.system}; file system ${machine.fileSystem}`,
    `- Node ${machine.node}`,
  ];
  const page = [
    introduction(command),
    '## Machine',
    facts.join('\n'),
    METHOD,
    renderResults(results, tools, measured),
  ];
  return `${page.join('\n\n')}\n`;
}
