// Shared buffers for the pieces of split files: a worker fills one, this thread reads the same bytes for the digest of the file.

export class Slots {
  private readonly bytes: number;
  private readonly free: SharedArrayBuffer[] = [];

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  take(): SharedArrayBuffer {
    return this.free.pop() ?? new SharedArrayBuffer(this.bytes);
  }

  give(slot: SharedArrayBuffer): void {
    this.free.push(slot);
  }
}
