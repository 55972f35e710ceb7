// `holdfast restore <archive.tar.gz>`: an archive alone, with no store and no configuration needed.
import os from 'node:os';
import path from 'node:path';
import type { Config } from '../../config/config.ts';
import { Pool } from '../../archive/threads/pool.ts';
import { openArchiveFile, type FoundArchive } from '../../sources/tree/archive-file.ts';
import type { Workbench } from '../../engine/engine.ts';
import { restoreOpened } from '../../engine/restore/to-folder.ts';
import { HoldfastError } from '../../errors.ts';
import type { Invocation } from '../invocation.ts';
import { namedKeys } from '../../wiring/keys.ts';
import { randomName } from '../../wiring/machine.ts';
import { configOf, type CommonOptions } from '../session.ts';
import { kindsFor } from '../kinds.ts';
import { sayLacking } from '../output/left-out.ts';
import type { Terminal } from '../output/terminal.ts';
import {
  exitOf,
  folderFor,
  meantPaths,
  missingTarget,
  restoreOptions,
  sayRestored,
  type RestoreCommandOptions,
} from './restoring.ts';

/** Restores an archive found alone; its exit code. */
export async function restoreArchiveFile(
  file: string,
  paths: readonly string[],
  { options, signal, terminal }: Invocation<RestoreCommandOptions> & { terminal: Terminal },
): Promise<number> {
  if (options.inPlace === true) {
    throw new HoldfastError('USAGE', 'an archive alone is restored to a new folder', {
      hint: 'Restore it with --to, look at it, and move it into place.',
    });
  }
  const to = folderFor(options);
  if (to === undefined) throw missingTarget({ inPlace: undefined });
  await using pool = new Pool();
  const bench: Workbench = {
    kinds: kindsFor(undefined),
    pool,
    signal,
    onProgress: terminal.progress,
    scratch: os.tmpdir(),
    now: () => new Date(),
    random: randomName,
  };
  await using archive = await openArchiveFile(
    path.resolve(file),
    await namedKeys(configured(options), options.publicKey ?? []),
  );
  sayAuthenticity(terminal, archive);
  terminal.start(`restoring ${path.basename(file)}`);
  const note = (text: string) => terminal.note(text);
  const meant = await meantPaths({ engine: bench, config: undefined }, archive.backup, paths, {
    note,
  });
  const report = await restoreOpened(bench, archive.backup, restoreOptions(meant, to, options));
  terminal.stop();
  sayRestored(terminal, report);
  await sayLacking(terminal, report);
  terminal.document({
    command: 'restore',
    archive: path.resolve(file),
    authenticity: archive.authenticity,
    ...report,
  });
  return exitOf(report);
}

/** A configuration that is absent or broken keeps nobody from an archive, unless it was named. */
function configured(options: CommonOptions): Config | undefined {
  try {
    return configOf(options);
  } catch (error) {
    const broken = error instanceof HoldfastError && error.code === 'CONFIG_INVALID';
    if (broken && options.config === undefined) return undefined;
    throw error;
  }
}

function sayAuthenticity(terminal: Terminal, { authenticity }: FoundArchive): void {
  if (authenticity === 'trusted')
    terminal.note('the manifest beside it is signed by a trusted key');
  else
    terminal.warn(
      `checked against its own index only; who made it is not known: ${authenticity.unknown}`,
    );
}
