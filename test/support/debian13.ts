// The Debian 13 of the test command, with PostgreSQL 17: what the database image has.
import { join } from 'node:path';
import { need } from '../needs/need.ts';

const folder = need('debian13');

export interface Debian13 {
  /** The root of the file system. Nothing may write to it. */
  readonly root: string;
  /** A folder with PostgreSQL's programs, each a script of this machine that runs the one inside: `/tmp` and the users are this machine's. */
  readonly binaries: string;
}

export function debian13(): Debian13 {
  return { root: join(folder(), 'root'), binaries: join(folder(), 'bin') };
}
