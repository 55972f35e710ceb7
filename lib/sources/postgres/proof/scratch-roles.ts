// The roles of a backup on a scratch server: those that were recorded with it, and those that its dump names besides.
import type { DatabaseFacts } from '../../../format/manifest.ts';
import { runLeniently, type LoadInput } from '../restore/load.ts';
import { identifier, literal, type DatabaseSession } from '../server/session.ts';

const MAX_SAID = 20;

/**
 * Makes roles. What could not be made is said line by line. The superuser of the scratch server stays as it is: with the name of the
 * source's it owns what that owned, and settings of a role would change what is printed.
 */
export async function makeRoles(
  session: DatabaseSession,
  load: LoadInput,
  {
    globals,
    roles,
    superuser,
    signal,
  }: {
    readonly globals: Buffer | undefined;
    readonly roles: DatabaseFacts['roles'];
    readonly superuser: string;
    readonly signal: AbortSignal | undefined;
  },
): Promise<string[]> {
  const said =
    globals === undefined ? [] : await runLeniently(load, without(globals, superuser), signal);
  const absent = await session.json<string[]>(
    `SELECT coalesce(json_agg(name), '[]') FROM unnest(ARRAY[${roles.map(literal).join(',')}]::text[]) name
       WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)`,
  );
  // What they might do was in globals, or is not known. That they may do too little must not make a dump fail that is whole.
  for (const name of absent) await session.ask(`CREATE ROLE ${identifier(name)} SUPERUSER`);
  return said.slice(0, MAX_SAID);
}

/** The statements of pg_dumpall, each on a line, but for those that make or alter a role. */
function without(globals: Buffer, role: string): string {
  const names = [identifier(role), ...(/^[a-z_][a-z0-9_$]*$/.test(role) ? [role] : [])];
  const begins = names.flatMap((name) => [
    `CREATE ROLE ${name};`,
    `ALTER ROLE ${name} WITH `,
    `ALTER ROLE ${name} SET `,
  ]);
  return globals
    .toString('utf8')
    .split('\n')
    .filter((line) => !begins.some((words) => line.startsWith(words)))
    .join('\n');
}
