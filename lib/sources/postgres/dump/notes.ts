// What should be known of a dump before it is made, because of who makes it and where.
import type { Problem } from '../../../errors.ts';
import type { Preflight } from './preflight.ts';
import { relationCondition } from './selection.ts';
import type { DatabaseSession } from '../server/session.ts';
import type { Tools } from '../server/tools.ts';

/** Notes on a dump by these programs of this server; none of them stops a backup. */
export async function dumpNotes(
  session: DatabaseSession,
  {
    selection,
    serverMajor,
    tools,
  }: Pick<Preflight, 'selection' | 'serverMajor'> & { readonly tools: Tools },
): Promise<Problem[]> {
  const notes: Problem[] = [];
  const note = (code: string, detail: string) =>
    void notes.push({ path: '', code, detail, tolerated: true });
  if (tools.major > serverMajor) {
    note(
      'newer-client',
      `pg_dump ${tools.version} is newer than the server, PostgreSQL ${serverMajor}: servers of that version may refuse what it writes; holdfast leaves out settings that they do not know, psql and pg_restore by hand need a server of PostgreSQL ${tools.major}, or the client of PostgreSQL ${serverMajor} as \`binaries\` of the source`,
    );
  }
  const unlogged = await session.json<number>(
    `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE pg_is_in_recovery()
       AND c.relkind = 'r' AND c.relpersistence = 'u' AND ${relationCondition(selection)}`,
  );
  if (unlogged > 0) {
    note(
      'left-out',
      `the rows of ${unlogged} unlogged tables are not in this backup: the server is a standby, which does not have them`,
    );
  }
  return notes;
}
