// Networks of the user, in which functions of databases may run and every task runs: what is needed there is asked for before anything waits
// for it.
import type { Config } from '../config/config.ts';
import { readFunctionConfig } from '../wiring/function-session.ts';
import type { RunsOn } from '../names/aws.ts';
import { assertReachable, type Service } from './reachable.ts';
import type { Work } from './deadline.ts';

export interface Position {
  readonly runsOn: RunsOn;
  readonly work: Work;
}

/**
 * Asks whether all services answer that the work needs, where a network of the user stands between; elsewhere they do.
 * `STORE_UNAVAILABLE` when one does not.
 */
export async function lookAround(signal: AbortSignal, { runsOn, work }: Position): Promise<void> {
  if (runsOn === 'function' && work === 'archives') return;
  const config = await readFunctionConfig();
  const { aws } = config;
  const vpc = runsOn === 'task' ? aws?.tasks.vpc : aws?.databases.vpc;
  if (aws === undefined || vpc === undefined) return;
  const services = work === 'archives' ? NEEDED : [...NEEDED, ...keepersOf(config)];
  await assertReachable(services, { region: aws.region, signal, runsOn });
}

const NEEDED: readonly Service[] = ['s3', 'kms', 'monitoring'];

/** The services that keep connections. */
function keepersOf({ sources }: Config): Service[] {
  const schemes = sources.flatMap((source) =>
    source.kind === 'postgres' && source.connection !== 'iam' ? [source.connection.scheme] : [],
  );
  return [
    ...(schemes.includes('secret') ? (['secretsmanager'] as const) : []),
    ...(schemes.includes('ssm') ? (['ssm'] as const) : []),
  ];
}
