// Whether something on this machine does what is due: without it, a schedule is a line in a file.
import { existsSync } from 'node:fs';
import type { Config } from '../../config/config.ts';
import { isOfStack } from '../../config/load/store-place.ts';
import type { Host } from '../schedule/host.ts';
import type { Installed } from '../schedule/managed.ts';
import { allInstalled } from '../schedule/managers.ts';
import { lackedBy } from '../schedule/variables.ts';
import { failure } from './failure.ts';
import { ok, problem, warning, type DoctorFinding } from './finding.ts';

/** Findings about the timers of a system; none where nothing has to be started here. */
export async function examineTimers(config: Config, host: Host): Promise<DoctorFinding[]> {
  const scheduled = config.sources.filter(
    ({ schedule, kind }) => schedule !== undefined && (!isOfStack(config) || kind === 'files'),
  );
  try {
    const all = await allInstalled(host);
    const own = all.filter(({ start }) => start.system === config.system);
    if (own.length > 0) return await ofInstalled(config, host, own);
    // With a stack, what is in a folder is usually backed up by a pipeline.
    if (scheduled.length === 0 || config.aws !== undefined) return [];
    return [
      warning(
        'machine',
        'no timer of this user starts the backups that are due here',
        'Run `holdfast schedule install`, unless CI, cron or another machine runs `holdfast backup`.',
      ),
    ];
  } catch (error) {
    return [failure('machine', error)];
  }
}

async function ofInstalled(
  config: Config,
  host: Host,
  own: readonly Installed[],
): Promise<DoctorFinding[]> {
  const again = 'Run `holdfast schedule install` again.';
  const findings = own.flatMap(({ where, start, verb, isActive }): DoctorFinding[] => {
    const { node, program, envFile } = start;
    const gone = [start.config, node, program, envFile].find(
      (one) => one !== undefined && !existsSync(one),
    );
    if (gone !== undefined)
      return [problem('machine', `the timer for ${verb} needs ${gone}, which is gone`, again)];
    return isActive === false ? [problem('machine', `${where} is not active`, again)] : [];
  });
  const envFile = own[0]?.start.envFile;
  const isThere = envFile !== undefined && existsSync(envFile);
  const lacked = await lackedBy(config, host, isThere ? envFile : undefined);
  if (lacked.length > 0)
    findings.push(
      warning(
        'machine',
        `the timers do not have ${lacked.join(', ')}`,
        '`holdfast schedule install` says where to write them.',
      ),
    );
  if (findings.length > 0) return findings;
  const managers = [...new Set(own.map(({ manager }) => manager))].join(', ');
  return [ok('machine', `timers of ${managers} start what is due`)];
}
