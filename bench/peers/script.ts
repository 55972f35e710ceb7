// The usual npm script as a tool; the script itself is naive.ts. Restoring its archive is what `tar` does.
import * as path from 'node:path';
import { firstLine } from '../measure.ts';
import type { Tool } from './tool.ts';

const PROGRAM = path.join(import.meta.dirname, 'naive.ts');

export const script: Tool = {
  name: 'script',
  title: 'npm script',
  about: 'copy to a staging folder, `readFileSync` and SHA-256 of each file, `tar -czf`',
  version: () => (firstLine('tar', '--version') === undefined ? undefined : process.version),
  prepare: () => Promise.resolve(),
  command: (operation, place) =>
    operation === 'first'
      ? { argv: [process.execPath, PROGRAM, place.source, place.state] }
      : undefined,
  stored: (place) => path.join(place.state, 'store'),
};
