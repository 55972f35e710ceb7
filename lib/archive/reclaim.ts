// Gives back the memory of buffers that nobody uses any more.
import v8 from 'node:v8';
import vm from 'node:vm';

/** Buffers lie outside the heap that the collector watches: left to itself it lets hundreds of megabytes of dead ones stand. */
const RECLAIM_BYTES = 16 << 20;
/** In a worker every so many collections is a major one. */
const MAJOR_EVERY = 2;

type Collect = (options: { type: 'minor' | 'major'; execution: 'sync' }) => void;

let collect: Collect | undefined;
let passedBytes = 0;
let collections = 0;

/** To be told of every buffer that was let go; now and then has the dead ones collected, which takes about a millisecond. */
export function letGo(bytes: number): void {
  if (isDue(bytes)) run('minor');
}

/**
 * The same in a worker. The buffer that a call of zlib has written to outlives minor collections, with the handle of the call; the
 * heap of a worker is small enough for major ones.
 */
export function letGoInWorker(bytes: number): void {
  if (isDue(bytes)) run(++collections % MAJOR_EVERY === 0 ? 'major' : 'minor');
}

function isDue(bytes: number): boolean {
  passedBytes += bytes;
  if (passedBytes < RECLAIM_BYTES) return false;
  passedBytes = 0;
  return true;
}

function run(type: 'minor' | 'major'): void {
  collect ??= exposed();
  collect({ type, execution: 'sync' });
}

function exposed(): Collect {
  v8.setFlagsFromString('--expose-gc');
  return vm.runInNewContext('gc') as Collect;
}
