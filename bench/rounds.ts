// The rounds over one tree: each operation is done by all tools in turn, so that what the machine does in between hits all alike.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as change from './change.ts';
import { measure } from './measure.ts';
import { BACKUPS, OPERATIONS } from './peers/tool.ts';
import type { Operation, Place, Tool } from './peers/tool.ts';
import { createRandom } from './random.ts';
import type { Failure, Sample, TreeResult } from './results.ts';
import { listFiles, prepareTree, sizeOf } from './trees.ts';
import type { Subject, TreeKind, TreeSize } from './trees.ts';

/** What is measured, and how often. */
export interface Plan {
  readonly workFolder: string;
  readonly scale: number;
  readonly seed: string;
  readonly rounds: number;
  readonly operations: ReadonlySet<Operation>;
  readonly tools: readonly Tool[];
  /** Told what is being done. */
  readonly progress: (line: string) => void;
}

/** What the rounds over one subject share. */
export interface Session {
  readonly plan: Plan;
  readonly kind: Subject;
  /** Undefined for what is no tree. */
  readonly folder: change.TreeFolder | undefined;
  readonly size: TreeSize;
  readonly places: ReadonlyMap<Tool, Place>;
  readonly samples: Sample[];
  readonly failures: Failure[];
  /** Tools that failed in this round: what comes after would be measured on a wrong state. */
  readonly dropped: Set<Tool>;
}

// Tools trust a file's times only when they are older than the clock's and the file system's grain.
const GRAIN_MILLISECONDS = 2_500;
const ONE_FILE_MAX_BYTES = 64 * 1024;

// An edited million would measure little more than the edit, and one big file has no single file to restore.
const LEFT_OUT: Readonly<Record<Subject, readonly Operation[]>> = {
  site: [],
  small: [],
  mixed: [],
  sql: ['file'],
  million: ['changed', 'checkout'],
  database: OPERATIONS.filter((one) => one !== 'first' && one !== 'restoreTest'),
};
const TOOLS_FOR_MILLION: ReadonlySet<string> = new Set(['holdfast', 'restic']);

function chooseFile(source: string, seed: string): { path: string; bytes: number } {
  const files = listFiles(source);
  const small = files.filter((file) => file.bytes > 0 && file.bytes <= ONE_FILE_MAX_BYTES);
  return createRandom(`${seed}/file`).pick(small.length === 0 ? files : small);
}

function emptyFolder(folder: string): void {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
}

// What others wrote must not be flushed to disk in somebody else's time.
function settle(): void {
  spawnSync('sync');
}

function expectedAfter(operation: Operation, session: Session, place: Place): TreeSize | undefined {
  if (operation === 'restore') return session.size;
  if (operation !== 'file') return undefined;
  return { files: 1, bytes: fs.statSync(path.join(place.source, place.file)).size };
}

function differs(expected: TreeSize | undefined, target: string): string | undefined {
  if (expected === undefined) return undefined;
  const found = sizeOf(target);
  if (found.files === expected.files && found.bytes === expected.bytes) return undefined;
  return `restored ${found.files} files of ${found.bytes} bytes, not ${expected.files} of ${expected.bytes}`;
}

function isWanted(session: Session, operation: Operation): boolean {
  return session.plan.operations.has(operation) && !LEFT_OUT[session.kind].includes(operation);
}

async function runOne(
  session: Session,
  tool: Tool,
  step: { readonly operation: Operation; readonly round: number },
): Promise<void> {
  const place = session.places.get(tool);
  const command = place === undefined ? undefined : await tool.command(step.operation, place);
  if (place === undefined || command === undefined) return;
  emptyFolder(place.target);
  const before = BACKUPS.has(step.operation) ? sizeOf(await tool.stored(place)).bytes : 0;
  settle();
  const outcome = await measure(command);
  const failure =
    'failure' in outcome
      ? outcome.failure
      : differs(expectedAfter(step.operation, session, place), place.target);
  const named = { tool: tool.name, ...step };
  if (failure !== undefined) {
    session.failures.push({ ...named, message: failure });
    session.plan.progress(`${session.kind} ${step.operation} ${tool.name}: FAILED: ${failure}`);
    if (BACKUPS.has(step.operation)) session.dropped.add(tool);
  } else if ('usage' in outcome && isWanted(session, step.operation)) {
    const after = BACKUPS.has(step.operation) ? sizeOf(await tool.stored(place)).bytes : 0;
    session.samples.push({ ...named, ...outcome.usage, storedBytes: after - before });
    session.plan.progress(
      `${session.kind} round ${step.round + 1} ${step.operation} ${tool.name}: ${outcome.usage.wallSeconds.toFixed(3)} s`,
    );
  }
  fs.rmSync(place.target, { recursive: true, force: true });
}

async function checkOut(session: Session, folder: change.TreeFolder, round: number): Promise<void> {
  for (const [tool, place] of session.places) {
    if (session.dropped.has(tool) || tool.beforeCheckout === undefined) continue;
    const outcome = await measure(await tool.beforeCheckout(place));
    if ('usage' in outcome) continue;
    session.dropped.add(tool);
    const message = `before it: ${outcome.failure}`;
    session.failures.push({ tool: tool.name, operation: 'checkout', round, message });
  }
  change.prepareCheckout(folder);
  warm(folder.checkout);
  change.swapIn(folder);
}

// Everything is read once, so that the first tool does not pay for the disk.
function warm(root: string): void {
  const piece = Buffer.alloc(1024 * 1024);
  for (const file of listFiles(root)) {
    const descriptor = fs.openSync(path.join(root, file.path), 'r');
    while (fs.readSync(descriptor, piece) > 0);
    fs.closeSync(descriptor);
  }
}

async function prepareTools(session: Session): Promise<void> {
  session.dropped.clear();
  for (const [tool, place] of session.places) {
    emptyFolder(place.state);
    await tool.prepare(place);
  }
}

// What has to be done for the wanted operations, though it may not be wanted itself.
function stepsFor(session: Session): Operation[] {
  const needed = new Set<Operation>(OPERATIONS.filter((one) => isWanted(session, one)));
  if (needed.has('checkout')) needed.add('changed');
  if (needed.size > 0) needed.add('first');
  return OPERATIONS.filter((one) => needed.has(one));
}

async function alter(
  session: Session,
  folder: change.TreeFolder,
  { operation, round }: { operation: Operation; round: number },
): Promise<void> {
  if (operation === 'changed') change.applyChange(folder, session.plan.seed);
  else if (operation === 'checkout') await checkOut(session, folder, round);
  else return;
  await sleep(GRAIN_MILLISECONDS);
}

/** Each wanted operation, by every tool in turn. */
export async function runRound(session: Session, round: number): Promise<void> {
  await prepareTools(session);
  await sleep(GRAIN_MILLISECONDS);
  const tools = [...session.places.keys()];
  const turn = round % tools.length;
  const rotated = [...tools.slice(turn), ...tools.slice(0, turn)];
  for (const operation of stepsFor(session)) {
    if (session.folder !== undefined) await alter(session, session.folder, { operation, round });
    for (const tool of rotated) {
      if (!session.dropped.has(tool)) await runOne(session, tool, { operation, round });
    }
  }
}

function placesFor(plan: Plan, kind: TreeKind, folder: change.TreeFolder): Map<Tool, Place> {
  const root = path.dirname(folder.source);
  const file = chooseFile(folder.source, plan.seed).path;
  const tools = plan.tools.filter((one) => kind !== 'million' || TOOLS_FOR_MILLION.has(one.name));
  return new Map(
    tools.map((tool) => [
      tool,
      {
        source: folder.source,
        state: path.join(root, 'state', tool.name),
        target: path.join(root, 'restored'),
        file,
      },
    ]),
  );
}

/**
 * Measures one tree. The tree is made when it is not there, is back in its first state afterwards, and stays in the work
 * folder; what the tools stored is removed. A tool that fails is named in the result, and the others go on.
 */
export async function measureTree(kind: TreeKind, plan: Plan, now: Date): Promise<TreeResult> {
  const root = path.join(plan.workFolder, `${kind}-${plan.scale}`);
  const folder = change.treeFolder(root);
  change.undoChange(folder);
  plan.progress(`${kind}: making or finding the tree in ${root}`);
  const size = prepareTree(kind, root, plan);
  warm(folder.source);
  const session: Session = {
    plan,
    kind,
    folder,
    size,
    places: placesFor(plan, kind, folder),
    samples: [],
    failures: [],
    dropped: new Set(),
  };
  for (let round = 0; round < plan.rounds; round += 1) {
    try {
      await runRound(session, round);
    } finally {
      change.undoChange(folder);
    }
  }
  fs.rmSync(path.join(root, 'state'), { recursive: true, force: true });
  return {
    kind,
    scale: plan.scale,
    rounds: plan.rounds,
    measuredAt: now.toISOString(),
    files: size.files,
    bytes: size.bytes,
    samples: session.samples,
    failures: session.failures,
  };
}
