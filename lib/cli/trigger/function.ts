// A backup by the function of the stack, which answers when it has ended.
import { isPostgres } from '../../config/config.ts';
import { HoldfastError } from '../../errors.ts';
import { resourceName } from '../../names/aws.ts';
import type { BackupReport, Wanted } from './triggered.ts';

/** What the function answers; whatever it fails with is thrown. `STORE_UNAVAILABLE` when it does not answer in time. */
export async function triggerFunction(wanted: Wanted): Promise<BackupReport> {
  const { config, source, trigger, deadline } = wanted;
  // Databases have a function of their own.
  const name = isPostgres(source) ? 'database-backup' : 'backup';
  const functionName = resourceName(config.system, name);
  const { invokeBackup } = await import('../../functions/invoke.ts');
  return invokeBackup({
    functionName,
    region: config.aws?.region,
    source: source.name,
    trigger: trigger.kind,
    at: trigger.at,
    signal: deadline,
  }).catch((error: unknown) => {
    throw explained(error, functionName, wanted);
  });
}

function explained(
  error: unknown,
  functionName: string,
  { signal, deadline, timeout }: Wanted,
): unknown {
  if (!deadline.aborted || signal.aborted) return error;
  return new HoldfastError(
    'STORE_UNAVAILABLE',
    `the function ${functionName} did not answer within ${timeout}; it may still be at work`,
    {
      hint: 'Run the same command again with the same --at, and a longer --timeout.',
      cause: error,
    },
  );
}
