// The source kind `parameters`: a file of JSON for each parameter of SSM and each secret, in an archive as of files.
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SSMClient } from '@aws-sdk/client-ssm';
import type { SourceEntry } from '../../archive/write/plan.ts';
import { HoldfastError, type Problem } from '../../errors.ts';
import { archiveTree } from '../tree/archive-tree.ts';
import { ENCODINGS, type Compression } from '../tree/encodings.ts';
import { archiveKind } from '../tree/kind.ts';
import { keyedEntries } from '../tree/keyed-entries.ts';
import { readParameters, readSecrets } from './read.ts';
import type { ReadInput, ReadResult, Source, SourceKind } from '../source.ts';
import { tolerate } from '../tree/tolerate.ts';

/** Which parameters are protected, and how they are kept; as configured. */
export interface ParametersOptions {
  readonly name: string;
  /** Paths of SSM parameters, such as `/spark/`: everything below. */
  readonly paths: readonly string[];
  /** The beginnings of the names of secrets that are listed. */
  readonly secretNames: readonly string[];
  /** Whether values of SecureString parameters and of secrets are taken, or their names and versions alone. */
  readonly secrets: 'exclude' | 'include';
  readonly tolerate: readonly string[];
  readonly allowEmpty: boolean;
  readonly compression: Compression;
}

export interface ParametersSurroundings {
  readonly ssm: SSMClient;
  readonly secretsManager: SecretsManagerClient;
}

export const parametersKind: SourceKind = archiveKind('parameters');

export function parametersSource(
  options: ParametersOptions,
  surroundings: ParametersSurroundings,
): Source {
  return {
    name: options.name,
    kind: parametersKind,
    read: (input) => readAll(options, surroundings, input),
  };
}

async function readAll(
  options: ParametersOptions,
  surroundings: ParametersSurroundings,
  input: ReadInput,
): Promise<ReadResult> {
  const problems: Problem[] = [];
  const onProblem = (one: Problem) => problems.push(one);
  const place = { ...surroundings, secrets: options.secrets, signal: input.signal, onProblem };
  // Paths may overlap; what they find twice is the same.
  const found = new Map<string, SourceEntry>();
  for (const path of options.paths) {
    for await (const entry of readParameters(place, path)) found.set(entry.path, entry);
  }
  for (const prefix of options.secretNames) {
    for await (const entry of readSecrets(place, prefix)) found.set(entry.path, entry);
  }
  if (found.size === 0 && !options.allowEmpty) {
    throw new HoldfastError(
      'SOURCE_UNREADABLE',
      `the source "${options.name}" holds no parameter and no secret`,
      {
        hint: 'Are `paths` and `secretNames` spelled as in AWS, and the region right? If an empty source is fine, set `allowEmpty: true`.',
      },
    );
  }
  const stored = await archiveTree(input, {
    entries: keyedEntries([...found.values()]),
    encoding: ENCODINGS[options.compression],
    times: 'recorded',
  });
  return {
    ...stored,
    problems: tolerate([...problems, ...stored.problems], options.tolerate),
    git: undefined,
    package: undefined,
  };
}
