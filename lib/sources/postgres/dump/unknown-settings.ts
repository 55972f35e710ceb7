// Settings at the beginning of a dump that a server does not know: a newer pg_dump writes them, and an older server refuses the dump
// for them. They say how long a session may wait, and nothing of the database.
import type { OpenBackup } from '../../source.ts';
import { openIndex } from './objects.ts';
import type { StoredText } from './reader.ts';
import { literal, type DatabaseSession } from '../server/session.ts';

const TIMEOUT = /^SET (\w+_timeout) = 0;$/gm;
const MAX_BYTES = 64 << 10;

/** The settings of a dump that a server must not be given, as it would refuse them. */
export async function unknownSettings(
  backup: OpenBackup,
  session: DatabaseSession,
  text: StoredText,
): Promise<ReadonlySet<string>> {
  const [beginning] = (await openIndex(backup)).objects;
  if (beginning === undefined) return new Set();
  const parts: Buffer[] = [];
  const to = Math.min(beginning.bytes, MAX_BYTES);
  for await (const part of text({ from: 0, to })) parts.push(Buffer.from(part));
  const names = [...Buffer.concat(parts).toString('latin1').matchAll(TIMEOUT)].map(
    ([, name = '']) => name,
  );
  const known = await session.json<string[]>(
    `SELECT coalesce(json_agg(name), '[]') FROM pg_settings WHERE name IN (${['', ...names].map(literal).join(', ')})`,
  );
  return new Set(names.filter((name) => !known.includes(name)));
}
