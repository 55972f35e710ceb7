// How the database to restore to is named: by its URL, or by where its URL is.
import process from 'node:process';
import { homeFolder } from '../../config/load/home.ts';
import { absolutePath, showReference, type SecretReference } from '../../config/places.ts';
import { HoldfastError } from '../../errors.ts';
import { secretAt } from '../../wiring/keys.ts';

const DATABASE_URL = /^postgres(?:ql)?:\/\//;
const REFERENCE = /^(env|file|ssm|secret):(.+)$/s;

/** Whether `--to` names a database: by its URL, or by where its URL is. */
export function isDatabase(to: string | undefined): to is string {
  return to !== undefined && (DATABASE_URL.test(to) || REFERENCE.test(to));
}

/** The URL of a target, and how it may be named. `USAGE` for a password on the command line, which every user here could read. */
export async function databaseTarget(
  to: string,
  region: string | undefined,
): Promise<{ target: string; targetFrom: string }> {
  const [, scheme, name = ''] = REFERENCE.exec(to) ?? [];
  if (scheme !== undefined && !DATABASE_URL.test(to)) {
    const reference = referenceTo(scheme, name);
    return { target: await secretAt(reference, region), targetFrom: showReference(reference) };
  }
  if (/^[^?#]*:\/\/[^@]*:[^@]*@|[?&]password=/.test(to)) {
    throw new HoldfastError(
      'USAGE',
      'the URL in --to holds a password, which every user of this machine can see there',
      {
        hint: 'Put the URL into a variable, and pass --to env:NAME; or into a file, --to file:PATH.',
      },
    );
  }
  return { target: to, targetFrom: '--to' };
}

function referenceTo(scheme: string, name: string): SecretReference {
  const bases = { folder: process.cwd(), home: homeFolder() };
  const place = scheme === 'file' ? absolutePath(name, bases) : name;
  return { scheme: scheme as SecretReference['scheme'], name: place };
}
