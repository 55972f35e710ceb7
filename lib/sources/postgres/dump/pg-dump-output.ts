// What a program writes, read into buffers of ours, over and over into the same. A stream of Node's own makes one of 64 KiB for each
// few kilobytes that arrive: of a dump of a gigabyte, most of what the collector has to do.
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { scratchParent } from '../server/confinement.ts';
import type { Machine } from '../server/tools.ts';

export interface IntakeOptions {
  readonly machine: Pick<Machine, 'scratch'>;
  /** The next block to be filled. */
  readonly take: () => Uint8Array;
  /** Given all bytes as they arrive, before the block that they stand in: to be used at once, or copied. */
  readonly onBytes: (bytes: Buffer) => void;
}

/** Blocks that are read before somebody asks for them. */
const AHEAD = 1;

/** Takes what one program writes. */
export class Intake implements Disposable {
  private readonly options: IntakeOptions;
  private readonly socket: net.Socket;
  private readonly full: Uint8Array[] = [];
  private block: Uint8Array;
  private filled = 0;
  private over = false;
  private failure: { readonly error: unknown } | undefined;
  private wake: () => void = () => undefined;

  private constructor(options: IntakeOptions, address: string) {
    this.options = options;
    this.block = options.take();
    this.socket = net.connect({
      path: address,
      onread: {
        buffer: () => this.block.subarray(this.filled),
        callback: (bytes) => this.taken(bytes),
      },
    });
    // However the line ends: whether everything came, the program's own end and its last words tell.
    this.socket.on('end', () => this.finish()).on('close', () => this.finish());
    this.socket.on('error', () => this.finish());
  }

  /** One, and what the program is to have as its standard output; whoever starts it closes that here. */
  static async open(options: IntakeOptions): Promise<{ intake: Intake; output: net.Socket }> {
    // In a folder that is this user's alone, so that nobody else can connect.
    const parent = scratchParent(options.machine.scratch ?? '/tmp');
    const folder = fs.mkdtempSync(path.join(parent, 'holdfast-intake-'));
    const address = path.join(folder, 'socket');
    const server = net.createServer({ pauseOnConnect: true });
    try {
      server.listen(address);
      await once(server, 'listening');
      const accepted = once(server, 'connection') as Promise<[net.Socket]>;
      const intake = new Intake(options, address);
      const [[output]] = await Promise.all([accepted, once(intake.socket, 'connect')]);
      return { intake, output };
    } finally {
      server.close();
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }

  private taken(bytes: number): boolean {
    const { buffer, byteOffset } = this.block;
    try {
      this.options.onBytes(Buffer.from(buffer, byteOffset + this.filled, bytes));
    } catch (error) {
      this.failure = { error };
      this.wake();
      return false;
    }
    this.filled += bytes;
    if (this.filled < this.block.length) return true;
    this.full.push(this.block);
    this.block = this.options.take();
    this.filled = 0;
    this.wake();
    return this.full.length <= AHEAD;
  }

  private finish(): void {
    this.over = true;
    this.wake();
  }

  /** All that the program writes, in blocks that are full, but for the last. Throws what `onBytes` threw. */
  async *blocks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.failure !== undefined) throw this.failure.error;
      const block = this.full.shift();
      if (block !== undefined) {
        this.socket.resume();
        yield block;
      } else if (this.over) {
        if (this.filled > 0) yield this.block.subarray(0, this.filled);
        return;
      } else {
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
    }
  }

  /** Resolves when the program writes no more; only `onBytes` sees what it wrote. */
  async drain(): Promise<void> {
    const blocks = this.blocks();
    while ((await blocks.next()).done !== true);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
