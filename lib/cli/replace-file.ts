// Gives a file a new text, through a link to the file that it names, and never half of it.
import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { randomName } from '../wiring/machine.ts';

/** Replaces the text of `file`, which keeps its mode. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const real = await realpath(file);
  const draft = `${real}.holdfast-${randomName()}`;
  try {
    await writeFile(draft, text, { flag: 'wx', mode: (await stat(real)).mode & 0o777 });
    await rename(draft, real);
  } finally {
    await rm(draft, { force: true });
  }
}
