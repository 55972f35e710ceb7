// What the doctor looks at about a stack from here: whose keys are known.
import type { Config } from '../../config/config.ts';
import { stackKeys, unnamedStackKeys } from '../../config/load/stack-keys.ts';
import { failure } from './failure.ts';
import { ok, warning, type DoctorFinding } from './finding.ts';

/** Findings about the keys of the functions; none without a stack. */
export async function examineStack(config: Config): Promise<DoctorFinding[]> {
  if (config.aws === undefined) return [];
  const { region } = config.aws;
  const wanted = unnamedStackKeys(config);
  if (wanted.length === 0)
    return [
      ok('key', 'the keys of the functions stand under `trust`: no service is asked for them'),
    ];
  try {
    const { fetchStackKeys } = await import('../../wiring/stack-keys.ts');
    const { refused } = await fetchStackKeys(wanted, region);
    const known = stackKeys(config).length - refused.length;
    return [
      ...(known > 0 ? [ok('key', `${known} keys of the functions are known in ${region}`)] : []),
      ...refused.map(({ error }) =>
        warning(
          'key',
          error.message,
          'What this function signed is untrusted here. Deploy, give this role kms:GetPublicKey, or name the key under `trust`.',
        ),
      ),
    ];
  } catch (error) {
    return [failure('key', error)];
  }
}
