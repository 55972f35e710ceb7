// Gives back the memory of buffers that nobody uses any more.
import v8 from 'node:v8';
import vm from 'node:vm';

/** Buffers lie outside the heap that the collector watches: left to itself it lets hundreds of megabytes of dead ones stand. */
const RECLAIM_BYTES = 8 << 20;

type Collect = (options: { type: 'minor'; execution: 'sync' }) => void;

let collect: Collect | undefined;
let passedBytes = 0;

/** To be told of every buffer that was released; now and then has the dead ones collected, which takes about a millisecond. */
export function letGo(bytes: number): void {
  passedBytes += bytes;
  if (passedBytes < RECLAIM_BYTES) return;
  passedBytes = 0;
  collect ??= exposed();
  collect({ type: 'minor', execution: 'sync' });
}

/**
 * Gives back the memory of bytes that nobody looks at any more, at once: they are empty from now on. Of small ones, which share a
 * buffer with others, nothing is touched.
 */
export function free({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0);
}

function exposed(): Collect {
  v8.setFlagsFromString('--expose-gc');
  return vm.runInNewContext('gc') as Collect;
}
