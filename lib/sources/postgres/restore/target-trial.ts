// Finds out what a server lacks before anything is changed on it: each need is tried there, in a transaction that is taken back.
import { HoldfastError } from '../../../errors.ts';
import { eachOnce, type Need } from '../dump/machine-needs.ts';
import type { DatabaseSession } from '../server/session.ts';

/** What a server refused, and why. */
export interface Lack {
  readonly what: string;
  readonly remedy: string;
  /** In the words of the server. */
  readonly why: string;
}

const DENIED = '42501';
const MAY_NOT =
  'connect as a superuser, or as a role that may create extensions; or have one of them create it in the database: a restore leaves what is there as it is';

/** What of the needs the server of a session does not have. The session does nothing else. */
export async function lacking(session: DatabaseSession, needs: readonly Need[]): Promise<Lack[]> {
  const lacks: Lack[] = [];
  const each = eachOnce(needs);
  if (each.length === 0) return lacks;
  await session.ask('\\set ON_ERROR_STOP 0\n\\set ON_ERROR_ROLLBACK on\nBEGIN');
  for (const { what, sql, remedy, besides } of each) {
    const said = await session.ask(
      `${sql} \\g /dev/null\n\\if :ERROR\n\\echo :SQLSTATE :LAST_ERROR_MESSAGE\n\\endif`,
    );
    // By its code: the words are in the language of the server.
    const [, code, why = ''] = /^([0-9A-Z]{5}) ([^\n]*)/.exec(said) ?? [];
    if (what !== undefined && code !== undefined && !besides.includes(code))
      lacks.push({ what, remedy: code === DENIED ? MAY_NOT : remedy, why });
  }
  await session.ask('ROLLBACK');
  return lacks;
}

/** `TARGET_REFUSED` naming each lack, with what to do about it; nothing for none. */
export function refuseFor(label: string, lacks: readonly Lack[]): void {
  if (lacks.length === 0) return;
  const named = lacks.map(({ what, why }) => (why === '' ? what : `${what} (${why})`));
  const remedies = [...new Set(lacks.map(({ remedy }) => remedy))];
  throw new HoldfastError(
    'TARGET_REFUSED',
    `the server of ${label} lacks what the dump needs: ${named.join(', ')}`,
    { hint: `Nothing was changed. To do: ${remedies.join('; ')}. Then restore again.` },
  );
}
