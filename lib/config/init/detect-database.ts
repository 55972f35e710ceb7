// Looks for a Postgres database that a folder's application uses. Finds the name of the variable that holds its URL, never the URL.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { errorCode, isAbsent } from '../error-code.ts';

export interface FoundDatabase {
  /** The variable that holds the URL; its value is not kept. */
  readonly variable: string;
  /** True when it is set here and names a Postgres database; otherwise a file speaks of it. */
  readonly isSet: boolean;
  /** What told of it: `the environment`, or a file of the folder. */
  readonly toldBy: string;
}

const USUAL = 'DATABASE_URL';

/** A file, and the variable that its text speaks of. */
interface Teller {
  readonly file: string;
  readonly variableIn: (text: string) => string | undefined;
}

// The most telling first: a schema says what kind of database it is for, a list of variables does not.
const TELLERS: readonly Teller[] = [
  { file: 'prisma/schema.prisma', variableIn: prismaVariable },
  ...['ts', 'js', 'mjs', 'json'].map((ending) => ({
    file: `drizzle.config.${ending}`,
    variableIn: drizzleVariable,
  })),
  { file: 'supabase/config.toml', variableIn: () => USUAL },
  ...['.env.example', '.env.sample', '.env.template', '.env', '.env.local'].map((file) => ({
    file,
    variableIn: namedVariable,
  })),
];

function prismaVariable(text: string): string | undefined {
  if (!/^\s*provider\s*=\s*"postgres(?:ql)?"/m.test(text)) return undefined;
  // Where there are two, `url` leads to a pooler, which may not keep sessions.
  const named = (key: string) =>
    new RegExp(`^\\s*${key}\\s*=\\s*env\\("(\\w+)"\\)`, 'm').exec(text)?.[1];
  return named('directUrl') ?? named('url') ?? USUAL;
}

function drizzleVariable(text: string): string | undefined {
  if (!/dialect['"]?\s*:\s*['"]postgresql['"]/.test(text)) return undefined;
  return /process\.env(?:\.|\[['"])(\w+)/.exec(text)?.[1] ?? USUAL;
}

/** The names of variables alone are looked at: what stands behind them is nobody's business. */
function namedVariable(text: string): string | undefined {
  const names = [...text.matchAll(/^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=/gm)].map(
    ([, name = '']) => name,
  );
  return (
    names.find((name) => name === USUAL) ?? names.find((name) => /^POSTGRES_UR[IL]$/.test(name))
  );
}

/** The database that the environment or a file of the folder tells of. */
export async function detectDatabase(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<FoundDatabase | undefined> {
  const told = await toldDatabase(folder);
  const set = Object.keys(env).filter(
    (name) => /^\w+$/.test(name) && /^postgres(ql)?:\/\//.test(env[name] ?? ''),
  );
  const variable = [told?.variable, USUAL, ...set.sort()].find(
    (name) => name !== undefined && set.includes(name),
  );
  return variable === undefined ? told : { variable, isSet: true, toldBy: 'the environment' };
}

async function toldDatabase(folder: string): Promise<FoundDatabase | undefined> {
  for (const { file, variableIn } of TELLERS) {
    const text = await textOf(join(folder, file));
    const variable = text === undefined ? undefined : variableIn(text);
    if (variable !== undefined) return { variable, isSet: false, toldBy: file };
  }
  return undefined;
}

/** The text of a file; undefined for what is no file, or not for us to read: it tells nothing, and is nothing to complain about. */
async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isAbsent(error) || ['EISDIR', 'EACCES'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}
