// What the doctor looks at in a database: can it be reached, may it be read whole, and are the programs here fit for it.
import os from 'node:os';
import type { Config, PostgresSourceConfig } from '../../config/config.ts';
import { examinePostgres } from '../../sources/postgres/examine.ts';
import { examineGround } from '../../stores/folder/examine.ts';
import { LOCAL_MACHINE } from '../databases.ts';
import { databaseOptions } from '../../wiring/databases.ts';
import { contextOf } from '../../wiring/keys.ts';
import { bytesText } from '../output/units.ts';
import { failure } from './failure.ts';
import { ok, warning, type DoctorFinding } from './finding.ts';

const ADVICE: Readonly<Record<string, string>> = {
  outdated: 'Update PostgreSQL’s programs on this machine: apt-get upgrade.',
  'no-restrict-key': 'Update PostgreSQL’s programs on this machine: apt-get upgrade.',
  collation:
    'Run REINDEX DATABASE there, then ALTER DATABASE … REFRESH COLLATION VERSION. What is restored from a dump has new indexes.',
  'left-out': 'Back it up by another source, if it is to be kept.',
};

export async function examineDatabase(
  config: Config,
  source: PostgresSourceConfig,
): Promise<DoctorFinding[]> {
  try {
    const seen = await examinePostgres(databaseOptions(source, contextOf(config)), LOCAL_MACHINE);
    const { label, serverVersion, databaseBytes, role, client, notes, unprovable } = seen;
    const what = `${source.name}: ${label}, PostgreSQL ${serverVersion}, ${bytesText(databaseBytes)}, read as ${role} by pg_dump ${client}`;
    return [
      ok('source', what),
      ...notes.map(({ code, detail }) =>
        warning('source', `${source.name}: ${detail}`, ADVICE[code] ?? 'See docs/postgres.md.'),
      ),
      ...unprovable.map((why) =>
        warning(
          'source',
          `${source.name}: restore tests cannot prove it here: ${why}`,
          'Install what is missing where `holdfast restore-test` runs: apt-get install postgresql.',
        ),
      ),
      ...(await roomFindings(source.name, databaseBytes)),
    ];
  } catch (error) {
    const found = failure('source', error);
    if (config.aws === undefined) return [found];
    return [
      warning(
        'source',
        `${source.name}: from here, ${found.message}`,
        `Where its ${source.runOn} runs this may be otherwise: holdfast log ${source.name} --failed says so.`,
      ),
    ];
  }
}

/** A restore test loads the whole database into a scratch place. */
async function roomFindings(name: string, databaseBytes: number): Promise<DoctorFinding[]> {
  const scratch = os.tmpdir();
  const { freeBytes } = await examineGround(scratch);
  if (freeBytes >= databaseBytes) return [];
  return [
    warning(
      'source',
      `${name}: ${bytesText(freeBytes)} free in ${scratch} for restore tests, the database takes ${bytesText(databaseBytes)}`,
      'Set TMPDIR to a folder on a larger disk, or restore tests will fail.',
    ),
  ];
}
