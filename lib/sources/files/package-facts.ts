// Name and version of the package that a source is, for the manifest. A package.json that is broken says nothing; it never fails a run.
import { join } from 'node:path';
import { readSmallFile } from '../tree/small-file.ts';

/** What the `package.json` at the root of a source says, as far as it says it. */
export interface PackageFacts {
  readonly name?: string;
  readonly version?: string;
}

const MAX_PACKAGE_BYTES = 1024 * 1024;
// npm allows 214 for a name and 256 for a version; more is nothing that a manifest should carry.
const MAX_VALUE_LENGTH = 256;

/** The facts of `folder`, or undefined when it holds no readable `package.json` with a name or a version. */
export function readPackageFacts(folder: string): PackageFacts | undefined {
  const bytes = readSmallFile(join(folder, 'package.json'), MAX_PACKAGE_BYTES);
  if (bytes === undefined) return undefined;
  const parsed = parse(new TextDecoder().decode(bytes));
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const name = textOf('name' in parsed ? parsed.name : undefined);
  const version = textOf('version' in parsed ? parsed.version : undefined);
  if (name === undefined && version === undefined) return undefined;
  return { ...(name !== undefined && { name }), ...(version !== undefined && { version }) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  const fits = typeof value === 'string' && value !== '' && value.length <= MAX_VALUE_LENGTH;
  return fits && value.isWellFormed() ? value : undefined;
}
