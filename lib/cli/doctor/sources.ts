// What the doctor looks at in the sources: are they there, and may this user read what is in them.
import type { Config, FilesSourceConfig, RemoteSourceConfig } from '../../config/config.ts';
import type { Problem } from '../../errors.ts';
import { examineFiles } from '../../sources/files/examine.ts';
import { problemLines } from '../output/problems.ts';
import { surroundingsOf } from '../sources.ts';
import { bytesText, counted } from '../output/units.ts';
import { failure } from './failure.ts';
import { ok, problem, warning, type DoctorFinding } from './finding.ts';

/** Enough to see wrong rights, few enough for a second. */
const SAMPLE_ENTRIES = 20_000;
const SHOWN = 5;

/** What backs up a source that is not a folder; whether it can be read shows only when it is backed up. */
export function remoteFinding(config: Config, { name, kind }: RemoteSourceConfig): DoctorFinding {
  const who = config.aws === undefined ? '`holdfast backup`' : 'the backup function';
  return ok('source', `${name}: of kind ${kind}, backed up by ${who}`);
}

/** Findings about one source, and how many bytes of content were seen in it. */
export function examineSource(
  config: Config,
  source: FilesSourceConfig,
  { deep }: { deep: boolean },
): { findings: DoctorFinding[]; contentBytes: number } {
  try {
    const limit = deep ? Infinity : SAMPLE_ENTRIES;
    const seen = examineFiles(source, surroundingsOf(config), limit);
    const { files, contentBytes, complete, problems, gaps } = seen;
    const extent = complete ? '' : `; the first ${limit} entries, --deep looks at all`;
    const findings: DoctorFinding[] = [];
    const unread = problems.filter(({ tolerated }) => tolerated !== true);
    if (files === 0 && !source.allowEmpty) {
      findings.push(
        problem(
          'source',
          `${source.name}: ${source.path} holds no file to back up`,
          'Is it mounted, and do `include` and `exclude` leave anything? Otherwise set `allowEmpty: true`.',
        ),
      );
    } else {
      findings.push(
        ok(
          'source',
          `${source.name}: ${counted(files, 'file')}, ${bytesText(contentBytes)} in ${source.path}${extent}`,
        ),
      );
    }
    if (unread.length > 0) {
      const shown = problemLines(unread.slice(0, SHOWN), unread.length).join('; ');
      findings.push(
        problem(
          'source',
          `${source.name}: ${counted(unread.length, 'entry', 'entries')} could not be backed up: ${shown}`,
          'Run as the user that owns the files, correct their rights, or name them under `exclude` or `tolerate`.',
        ),
      );
    }
    if (gaps.length > 0) findings.push(gapFinding(source, gaps));
    return { findings, contentBytes };
  } catch (error) {
    return { findings: [failure('source', error)], contentBytes: 0 };
  }
}

/** What is only pointed to: said also where it is tolerated, for a restore would lack it all the same. */
function gapFinding({ name }: FilesSourceConfig, gaps: readonly Problem[]): DoctorFinding {
  const shown = problemLines(gaps.slice(0, SHOWN), gaps.length).join('; ');
  return warning(
    'source',
    `${name}: not all of it is here: ${shown}`,
    'Bring it here before a backup is made; or name it under `tolerate`, and the backup counts as complete without it.',
  );
}
