// The files of timers: written whole, put back when they cannot be used, and never over something that is not ours.
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode, isAbsent } from '../../config/error-code.ts';
import { HoldfastError } from '../../errors.ts';
import { randomName } from '../../wiring/machine.ts';
import { changesOf, readMark, type Start } from './timers.ts';

/** A file that is to have a text. */
export interface PlannedFile {
  readonly file: string;
  readonly text: string;
  /** Undefined when there is none yet. */
  readonly before: string | undefined;
}

/**
 * What is to be written into `folder`. `COMMAND_FAILED` when one of the files is not ours, `CONFIG_INVALID` when it is of another
 * `holdfast.yaml` that still exists.
 */
export async function planFiles(
  folder: string,
  texts: ReadonlyMap<string, string>,
  start: Start,
): Promise<PlannedFile[]> {
  const planned: PlannedFile[] = [];
  for (const [name, text] of texts) {
    const file = path.join(folder, name);
    const before = await textOf(file);
    const mark = before === undefined ? undefined : readMark(before);
    if (before !== undefined && mark === undefined) throw foreign(file);
    if (mark !== undefined) assertSame(mark, start, file);
    planned.push({ file, text, before });
  }
  return planned;
}

/** `CONFIG_INVALID` when timers of the same name start another system that is still there. */
export function assertSame(before: Start, after: Start, where: string): void {
  if (before.config === after.config || !existsSync(before.config)) return;
  throw new HoldfastError(
    'CONFIG_INVALID',
    `${where} is of ${before.config}, which has the same system "${after.system}" as ${after.config}`,
    {
      hint: `Give one of them another \`system\`, or remove those timers: holdfast schedule remove --config '${before.config}'`,
    },
  );
}

function foreign(file: string): HoldfastError {
  return new HoldfastError('COMMAND_FAILED', `${file} was not written by Holdfast`, {
    hint: 'Move it away if it is not needed, then install again.',
  });
}

/** What changes in what is started, said once for all files. */
export function changesIn(planned: readonly PlannedFile[], start: Start): string[] {
  const said = planned.flatMap(({ before }) => {
    const mark = before === undefined ? undefined : readMark(before);
    return mark === undefined ? [] : changesOf(mark, start);
  });
  return [...new Set(said)];
}

/** Writes what differs. `COMMAND_FAILED` when the folder cannot be written; what was written before is put back. */
export async function writeFiles(planned: readonly PlannedFile[]): Promise<void> {
  const written: PlannedFile[] = [];
  for (const one of planned.filter(({ text, before }) => text !== before)) {
    try {
      await mkdir(path.dirname(one.file), { recursive: true });
      await putFile(one.file, one.text);
      written.push(one);
    } catch (cause) {
      await putBack(written);
      throw new HoldfastError(
        'COMMAND_FAILED',
        `${one.file} cannot be written (${errorCode(cause) ?? 'unknown error'})`,
        { hint: 'See who owns that folder, and whether it can be written at all.', cause },
      );
    }
  }
}

/** Undoes {@link writeFiles}. */
export async function putBack(planned: readonly PlannedFile[]): Promise<void> {
  for (const { file, text, before } of planned) {
    if (text === before) continue;
    if (before === undefined) await rm(file, { force: true });
    else await putFile(file, before);
  }
}

async function putFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomName()}`;
  try {
    await writeFile(draft, text, { flag: 'wx', mode: 0o644 });
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

/** What the existing files start, and which of them are not ours. */
export async function ownFiles(
  folder: string,
  names: Iterable<string>,
): Promise<{ own: { file: string; start: Start }[]; foreign: string[] }> {
  const found: { own: { file: string; start: Start }[]; foreign: string[] } = {
    own: [],
    foreign: [],
  };
  for (const name of names) {
    const file = path.join(folder, name);
    const text = await textOf(file);
    if (text === undefined) continue;
    const start = readMark(text);
    if (start === undefined) found.foreign.push(file);
    else found.own.push({ file, start });
  }
  return found;
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
