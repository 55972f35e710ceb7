// What the machine is, for the reader of a report.
import * as os from 'node:os';
import { firstLine } from './measure.ts';
import type { Machine } from './results.ts';

/** Describes this machine; `workFolder` decides which file system is named. */
export function describeMachine(workFolder: string): Machine {
  const cpus = os.cpus();
  const release = firstLine('sh', '-c', '. /etc/os-release && echo "$PRETTY_NAME"');
  return {
    cpu: cpus[0]?.model ?? 'unknown',
    cores: cpus.length,
    memoryBytes: os.totalmem(),
    system: `${release ?? os.type()}, ${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    fileSystem: firstLine('stat', '-f', '-c', '%T', workFolder) ?? 'unknown',
  };
}
