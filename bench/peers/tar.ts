// What people type: tar, a parallel gzip, and a checksum beside the archive. It has nothing incremental.
import * as path from 'node:path';
import { firstLine } from '../measure.ts';
import type { Command } from '../measure.ts';
import type { Operation, Place, Tool } from './tool.ts';

function shell(cwd: string, script: string, ...values: string[]): Command {
  return { argv: ['sh', '-c', script, 'sh', ...values], cwd };
}

function command(operation: Operation, place: Place): Command | undefined {
  const archive = path.join(place.state, 'store', 'archive.tar.gz');
  switch (operation) {
    case 'first':
      return shell(
        place.state,
        'mkdir store && tar -C "$1" -cf - . | pigz -6 > store/archive.tar.gz && cd store && sha256sum archive.tar.gz > SHA256SUMS',
        place.source,
      );
    case 'verify':
      return shell(
        path.dirname(archive),
        'gzip -t archive.tar.gz && sha256sum --quiet -c SHA256SUMS',
      );
    case 'restore':
      return { argv: ['tar', '-xzf', archive], cwd: place.target };
    case 'file':
      return { argv: ['tar', '-xzf', archive, `./${place.file}`], cwd: place.target };
    case 'digest':
    case 'restoreTest':
    case 'unchanged':
    case 'changed':
    case 'checkout':
      return undefined;
  }
}

export const tar: Tool = {
  name: 'tar',
  title: 'tar, pigz',
  about: '`tar`, `pigz -6` and `sha256sum`; `gzip -t` and `sha256sum -c`; `tar -xzf`',
  version: () => {
    const pigz = firstLine('pigz', '--version');
    const gnu = firstLine('tar', '--version');
    return pigz === undefined || gnu === undefined ? undefined : `${gnu}, ${pigz}`;
  },
  prepare: () => Promise.resolve(),
  command,
  stored: (place) => path.join(place.state, 'store'),
};
