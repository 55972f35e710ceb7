// Parameters of SSM and secrets of Secrets Manager, as files of JSON. No value of either ever stands in a message.
import { createHash } from 'node:crypto';
import {
  GetSecretValueCommand,
  paginateListSecrets,
  type SecretListEntry,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { paginateGetParametersByPath, type Parameter, type SSMClient } from '@aws-sdk/client-ssm';
import type { SourceEntry } from '../../archive/write/plan.ts';
import { awsFailure, inWords, type Reason } from '../../aws/failure.ts';
import { HoldfastError, type Problem } from '../../errors.ts';
import { displayPath, fromUtf8 } from '../../format/paths.ts';

export interface ParametersPlace {
  readonly ssm: SSMClient;
  readonly secretsManager: SecretsManagerClient;
  readonly secrets: 'exclude' | 'include';
  readonly signal: AbortSignal | undefined;
  readonly onProblem: (problem: Problem) => void;
}

/** Parameters below `path`, those that are encrypted with their values only where secrets are included. */
export async function* readParameters(
  place: ParametersPlace,
  path: string,
): AsyncGenerator<SourceEntry> {
  const included = place.secrets === 'include';
  const pages = paginateGetParametersByPath(
    { client: place.ssm },
    { Path: path.replace(/(?<=.)\/$/, ''), Recursive: true, WithDecryption: included },
    sending(place),
  );
  const permission = `ssm:GetParametersByPath${included ? ' and kms:Decrypt' : ''}`;
  for await (const { Parameters = [] } of told(
    place,
    pages,
    `parameters below ${path}`,
    permission,
  )) {
    for (const one of Parameters) yield parameterFile(place, one);
  }
}

function parameterFile(place: ParametersPlace, parameter: Parameter): SourceEntry {
  const { Name: name = '', Type: type, DataType: dataType, Version: version } = parameter;
  const secret = type === 'SecureString';
  const shown = place.secrets === 'include' || !secret;
  const told = {
    name,
    type,
    ...(dataType !== 'text' && { dataType }),
    version,
    ...(shown && { value: parameter.Value }),
  };
  const file = `ssm/${name.replace(/^\//, '')}.json`;
  if (!shown) noteLeftOut(place, file);
  return jsonFile(file, told, { modified: parameter.LastModifiedDate, private: secret && shown });
}

/** Secrets whose names begin with `prefix`: their versions, and their values only where secrets are included. */
export async function* readSecrets(
  place: ParametersPlace,
  prefix: string,
): AsyncGenerator<SourceEntry> {
  const pages = paginateListSecrets(
    { client: place.secretsManager },
    { Filters: [{ Key: 'name', Values: [prefix] }] },
    sending(place),
  );
  const what = `secrets that begin with ${prefix}`;
  for await (const { SecretList = [] } of told(place, pages, what, 'secretsmanager:ListSecrets')) {
    for (const secret of SecretList) {
      if (secret.Name?.startsWith(prefix) !== true) continue;
      const entry = await secretFile(place, secret, secret.Name);
      if (entry !== undefined) yield entry;
    }
  }
}

async function secretFile(
  place: ParametersPlace,
  secret: SecretListEntry,
  name: string,
): Promise<SourceEntry | undefined> {
  const { Description: description, KmsKeyId: kmsKeyId, SecretVersionsToStages: stages } = secret;
  const included = place.secrets === 'include';
  const value = included ? await secretValue(place, name) : {};
  if (value === undefined) return undefined;
  const versions = Object.entries(stages ?? {})
    .map(([id, names]): [string, string[]] => [id, [...names].sort()])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const told = {
    name,
    ...(description !== undefined && description !== '' && { description }),
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    versions: Object.fromEntries(versions),
    ...value,
  };
  const file = `secrets/${name}.json`;
  if (!included) noteLeftOut(place, file);
  return jsonFile(file, told, { modified: secret.LastChangedDate, private: included });
}

function noteLeftOut({ onProblem }: ParametersPlace, file: string): void {
  const detail = 'its value is a secret';
  onProblem({ path: displayPath(fromUtf8(file)), code: 'secret', detail, tolerated: true });
}

type SecretValue = { value: string } | { valueBase64: string } | Record<string, never>;

/** The current value; undefined, and a problem, when it cannot be had. */
async function secretValue(place: ParametersPlace, name: string): Promise<SecretValue | undefined> {
  const path = displayPath(fromUtf8(`secrets/${name}.json`));
  try {
    const { SecretString: text, SecretBinary: binary } = await place.secretsManager.send(
      new GetSecretValueCommand({ SecretId: name }),
      sending(place),
    );
    if (text !== undefined) return { value: text };
    return { valueBase64: Buffer.from(binary ?? []).toString('base64') };
  } catch (error) {
    const { name: answered, reason } = awsFailure(error) ?? {};
    if (reason === 'absent') {
      const detail = 'has no value, or was deleted after it had been listed';
      place.onProblem({ path, code: 'vanished', detail, tolerated: true });
      return {};
    }
    if (reason === undefined || !ONE_SECRET.includes(reason)) {
      throw failureOf(place, error, `the secret ${name}`, GET_VALUE);
    }
    place.onProblem({ path, code: 'unreadable', detail: `${answered}: it needs ${GET_VALUE}` });
    return undefined;
  }
}

const GET_VALUE = 'secretsmanager:GetSecretValue and kms:Decrypt';

/** What concerns one secret and not the next. */
const ONE_SECRET: readonly Reason[] = ['denied', 'key', 'unusable'];

function jsonFile(
  file: string,
  told: object,
  options: { modified: Date | undefined; private: boolean },
): SourceEntry {
  const bytes = Buffer.from(`${JSON.stringify(told, undefined, 2)}\n`);
  return {
    path: fromUtf8(file),
    type: 'file',
    size: bytes.length,
    mode: options.private ? 0o600 : 0o644,
    uid: 0,
    gid: 0,
    mtimeMicroseconds: (options.modified?.getTime() ?? 0) * 1000,
    linkTarget: undefined,
    readPath: undefined,
    // A buffer of its own: a small one would take the pool that it lies in along to another thread.
    bytes: new Uint8Array(bytes),
    stat: `0 0 ${createHash('sha256').update(bytes).digest('hex')}`,
    shared: false,
    holes: false,
  };
}

function sending({ signal }: ParametersPlace): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** Pages, with what goes wrong told in the user's terms. */
async function* told<T>(
  place: ParametersPlace,
  pages: AsyncIterable<T>,
  what: string,
  permission: string,
): AsyncGenerator<T> {
  try {
    yield* pages;
  } catch (error) {
    throw failureOf(place, error, what, permission);
  }
}

function failureOf(
  { signal }: ParametersPlace,
  error: unknown,
  what: string,
  permission: string,
): HoldfastError {
  if (error instanceof HoldfastError) return error;
  if (signal?.aborted === true) {
    return new HoldfastError('CANCELLED', 'the backup was interrupted', { cause: error });
  }
  const failure = awsFailure(error);
  const cause = failure ?? error;
  if (failure?.reason === 'denied') {
    return new HoldfastError('SOURCE_UNREADABLE', `${what}: access was refused`, {
      hint: `Holdfast needs the permission ${permission}.`,
      cause,
    });
  }
  return new HoldfastError('SOURCE_UNREADABLE', `${what} could not be read: ${inWords(error)}`, {
    hint: 'Run the backup again; if it stays so, look at the region and the credentials.',
    cause,
  });
}
