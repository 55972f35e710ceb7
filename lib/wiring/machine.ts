// What this process brings to all that it opens: chance, the clock, scratch space, versions.
import { randomBytes } from 'node:crypto';
import os from 'node:os';
import process from 'node:process';
import type { Engine } from '../engine/engine.ts';
import { CERTIFICATES_OF_RDS } from '../sources/postgres/server/certificates.ts';
import type { Machine } from '../sources/postgres/server/tools.ts';
import { VERSION } from '../version.ts';

/** Sixteen hexadecimal digits that nobody can guess. */
export function randomName(): string {
  return randomBytes(8).toString('hex');
}

/** What programs of PostgreSQL run with. */
export const MACHINE: Machine = {
  environment: process.env,
  random: randomName,
  scratch: os.tmpdir(),
  certificatesOfRds: CERTIFICATES_OF_RDS,
};

/** The parts of an engine that are the same whatever is configured. */
export function ownParts(): Pick<Engine, 'scratch' | 'versions' | 'now' | 'random'> {
  return {
    scratch: os.tmpdir(),
    versions: {
      holdfast: VERSION,
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
    },
    now: () => new Date(),
    random: randomName,
  };
}
