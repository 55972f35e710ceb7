// Backups of databases in functions: the machine is the function's own, with the programs of Postgres that its image or a layer brings.
import { randomBytes } from 'node:crypto';
import os from 'node:os';
import process from 'node:process';
import { postgresKind } from '../sources/postgres/kind.ts';
import type { Machine } from '../sources/postgres/server/tools.ts';
import type { Kinds } from './kinds.ts';

export const MACHINE: Machine = {
  environment: process.env,
  random: () => randomBytes(8).toString('hex'),
  scratch: os.tmpdir(),
};

/** The one kind of databases. */
export const DATABASE_KINDS: Kinds = new Map([['postgres', postgresKind(MACHINE)]]);
