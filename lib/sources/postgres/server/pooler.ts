// Whether a connection is a session with a server. A pooler may hand each transaction to another one: then no snapshot can be shared, and
// what a session is set to stays behind for the application that gets it next.
import { HoldfastError } from '../../../errors.ts';
import { DatabaseSession, type SessionInput } from './session.ts';

const SERVER = 'SELECT pg_catalog.pg_backend_pid()';
/** How often one connection is asked for its server while another keeps one busy: others may use the pooler, too. */
const LOOKS = 5;

/**
 * A session whose server process stays the same. Nothing is set in it before that is known.
 *
 * `CONFIG_INVALID` when the connection in `where` leads to a pooler that does not keep sessions.
 */
export async function openKept(input: SessionInput, where: string): Promise<DatabaseSession> {
  const session = new DatabaseSession({ ...input, ownPath: true });
  try {
    await assertKept(session, input, where);
    await session.nameFromCatalog();
    return session;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

async function assertKept(
  session: DatabaseSession,
  input: SessionInput,
  where: string,
): Promise<void> {
  const own = await session.ask(SERVER);
  await using other = new DatabaseSession({ ...input, ownPath: true });
  // While a transaction lasts, every pooler leaves its server to it: to one that was released, where it can.
  const servers = [await other.ask(`BEGIN;\n${SERVER}`)];
  if (servers[0] !== own) {
    for (let look = 0; look < LOOKS; look++) {
      const again = await session.ask(SERVER);
      if (again !== own) servers.push(own);
    }
  }
  if (!servers.includes(own)) {
    await other.ask('COMMIT');
    await other.close();
    return;
  }
  throw new HoldfastError(
    'CONFIG_INVALID',
    `the connection in ${where} leads to a pooler that does not keep sessions: two connections got one and the same server process`,
    {
      hint: 'Connect to the server itself, or by a pool in session mode (`pool_mode = session` of pgbouncer, for this database or user; the session pooler of a service).',
    },
  );
}
