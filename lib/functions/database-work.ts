// What the functions of databases do before they begin, and what they say when the time does not suffice.
import type { InvokeOptions } from './invocation.ts';
import { assertReachable } from './reachable.ts';
import { readFunctionConfig } from '../wiring/function-session.ts';

const LATE =
  'Set `runOn: task` for the source: a task on Fargate has a day. What has run as a task is too large for dumps: leave tables out, or use the snapshots of the server beside it.';

/** A function outside of any network of the user reaches what the internet reaches; inside of one, that depends on its owner. */
async function lookAround(signal: AbortSignal): Promise<void> {
  const { aws, sources } = await readFunctionConfig();
  if (aws?.databases.vpc === undefined) return;
  const schemes = sources.flatMap((source) =>
    source.kind === 'postgres' && source.connection !== 'iam' ? [source.connection.scheme] : [],
  );
  await assertReachable(
    [
      ...(['s3', 'kms', 'monitoring'] as const),
      ...(schemes.includes('secret') ? (['secretsmanager'] as const) : []),
      ...(schemes.includes('ssm') ? (['ssm'] as const) : []),
    ],
    { region: aws.region, signal },
  );
}

export const DATABASE_WORK: InvokeOptions = { whenLate: LATE, before: lookAround };
