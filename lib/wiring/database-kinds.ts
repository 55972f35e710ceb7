// The kind of databases, as functions have it.
import type { Kinds } from '../sources/source.ts';
import { MACHINE } from './machine.ts';

/** The one kind of databases, with the programs that the image of a function or a layer brings. */
export const DATABASE_KINDS: Kinds = new Map([
  ['postgres', async () => (await import('../sources/postgres/kind.ts')).postgresKind(MACHINE)],
]);
