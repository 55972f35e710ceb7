// References to secrets that AWS keeps: `ssm:` for a parameter, `secret:` for one of Secrets Manager. Nothing here puts one into a message.
import type { SecretReference } from '../config/places.ts';
import { showReference } from '../config/places.ts';
import { HoldfastError } from '../errors.ts';
import { awsError } from './errors.ts';
import type { AwsPlace } from './aws-place.ts';

/**
 * The secret that an `ssm:` or `secret:` reference names, decrypted, without the newline at its end.
 *
 * `STORE_DENIED` when it does not exist or may not be read, `STORE_UNAVAILABLE` when the service does not answer, `CONFIG_INVALID`
 * when it is empty or binary, or the reference leads elsewhere.
 */
export async function resolveAwsReference(
  reference: SecretReference,
  place: AwsPlace = {},
): Promise<string> {
  const found = await fetchSecret(reference, place);
  const secret = found?.replace(/\r?\n$/, '');
  if (secret !== undefined && secret.trim() !== '') return secret;
  throw new HoldfastError('CONFIG_INVALID', `${showReference(reference)} holds no text`, {
    hint: 'Put the value there as plain text, or correct the reference.',
  });
}

async function fetchSecret(
  reference: SecretReference,
  place: AwsPlace,
): Promise<string | undefined> {
  try {
    if (reference.scheme === 'ssm') return await fromParameter(reference.name, place);
    if (reference.scheme === 'secret') return await fromSecretsManager(reference.name, place);
  } catch (error) {
    throw awsError(error, { thing: showReference(reference), doing: 'cannot be read' });
  }
  throw new HoldfastError(
    'CONFIG_INVALID',
    `${showReference(reference)} is not kept by AWS; allowed here: ssm:NAME, secret:NAME`,
    { hint: 'A function has no files and no variables of yours: keep the value in AWS.' },
  );
}

// The clients are loaded when a reference needs them: most runs have none, and each costs time at every start.
async function fromParameter(name: string, place: AwsPlace): Promise<string | undefined> {
  const { parameterValue } = await import('./parameter-value.ts');
  return parameterValue(name, place);
}

async function fromSecretsManager(name: string, place: AwsPlace): Promise<string | undefined> {
  const { secretValue } = await import('./secret-value.ts');
  return secretValue(name, place);
}
