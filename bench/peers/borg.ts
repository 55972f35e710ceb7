// borg, with lz4 (its default) and without encryption.
import * as path from 'node:path';
import { firstLine, runUnmeasured } from '../measure.ts';
import type { Command } from '../measure.ts';
import type { Operation, Place, Tool } from './tool.ts';

function repository(place: Place): string {
  return path.join(place.state, 'repository');
}

function run(place: Place, cwd: string, ...rest: string[]): Command {
  return {
    argv: ['borg', ...rest],
    cwd,
    env: {
      BORG_BASE_DIR: path.join(place.state, 'base'),
      BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
    },
  };
}

function command(operation: Operation, place: Place): Command | undefined {
  const archive = (name: string): string => `${repository(place)}::${name}`;
  switch (operation) {
    case 'first':
    case 'unchanged':
    case 'changed':
    case 'checkout':
      return run(place, place.source, 'create', '--compression', 'lz4', archive(operation), '.');
    case 'verify':
      return run(place, place.state, 'check', '--verify-data', repository(place));
    case 'digest':
    case 'restoreTest':
      return undefined;
    case 'restore':
      return run(place, place.target, 'extract', archive('first'));
    case 'file':
      return run(place, place.target, 'extract', archive('first'), place.file);
  }
}

export const borg: Tool = {
  name: 'borg',
  title: 'borg',
  about: 'lz4, no encryption; `check --verify-data`; `extract`',
  version: () => firstLine('borg', '--version'),
  prepare: (place) =>
    runUnmeasured(run(place, place.state, 'init', '-e', 'none', repository(place))),
  command,
  stored: repository,
};
