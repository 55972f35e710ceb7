// A clock that processes share, which shows another time than this machine's, by libfaketime: what takes weeks is seen in seconds.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { need } from '../needs/need.ts';
import { machineTime } from './machine-time.ts';

const library = need('libfaketime');
/** How long a process goes on with the offset that it has read. */
const CACHED_SECONDS = 1;

export class Clock {
  /** For the processes that are to see this clock. */
  readonly env: Readonly<Record<string, string>>;
  private readonly file: string;
  private offsetMs: number;

  /** A clock that shows `start` now, and goes on from there; its state is a file in `folder`. */
  constructor(folder: string, start: Date) {
    this.file = join(folder, 'clock');
    this.offsetMs = start.getTime() - machineTime().getTime();
    this.write();
    this.env = {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_CACHE_DURATION: String(CACHED_SECONDS),
      // Timers run on: only what time it is changes.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** How far it is ahead of this machine's clock; negative when it is behind. */
  get offset(): number {
    return this.offsetMs;
  }

  now(): Date {
    return new Date(machineTime().getTime() + this.offsetMs);
  }

  /** Never back: ids and signatures would come from the future. */
  async leapTo(time: Date): Promise<void> {
    const offsetMs = time.getTime() - machineTime().getTime();
    if (offsetMs < this.offsetMs) {
      throw new Error(`${time.toISOString()} is before ${this.now().toISOString()}`);
    }
    this.offsetMs = offsetMs;
    this.write();
    await sleep(CACHED_SECONDS * 1500);
  }

  private write(): void {
    const seconds = (this.offsetMs / 1000).toFixed(3);
    writeFileSync(`${this.file}.new`, `${this.offsetMs < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${this.file}.new`, this.file);
  }
}
