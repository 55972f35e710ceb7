// What went wrong with a bucket, in the user's terms.
import {
  awsFailure,
  inWords,
  isCredentialsReason,
  type AwsFailure,
  type Reason,
} from '../../aws/failure.ts';
import { HoldfastError, type Problem } from '../../errors.ts';

/** A body that could not be read as it was listed. */
export class BrokenOff extends Error {
  constructor(reason: string, attempts: number) {
    super(`its content could not be read in ${attempts} attempts: it ${reason}`);
    this.name = 'BrokenOff';
  }
}

/** `SOURCE_UNREADABLE`, or `CANCELLED`, for what ends a run. */
export function bucketFailure(
  error: unknown,
  place: { bucket: string; signal: AbortSignal | undefined },
  permission: string,
): HoldfastError {
  if (error instanceof HoldfastError) return error;
  if (place.signal?.aborted === true) {
    return new HoldfastError('CANCELLED', 'the backup was interrupted', { cause: error });
  }
  const [what, hint] = reasonFor(error, permission);
  const cause = awsFailure(error) ?? error;
  return new HoldfastError('SOURCE_UNREADABLE', `the bucket ${place.bucket} ${what}`, {
    hint,
    cause,
  });
}

function reasonFor(error: unknown, permission: string): [string, string] {
  const failure = awsFailure(error);
  switch (failure?.reason) {
    case 'no-bucket':
    case 'absent':
      return [
        'does not exist',
        'Is its name spelled as in the configuration, and its region right?',
      ];
    case 'region':
      return ['is in another region', 'Set `region` of the source to the region of the bucket.'];
    case 'no-region':
      return [
        `could not be read: ${failure.words}`,
        'Set `region` of the source, or the variable AWS_REGION.',
      ];
    case 'denied':
      return [
        `refuses access (${failure.name})`,
        `Holdfast needs the permission ${permission} on it, and the bucket must belong to \`account\` if that is set.`,
      ];
    default:
      return [
        `could not be read: ${inWords(error)}`,
        failure !== undefined && isCredentialsReason(failure.reason)
          ? 'Sign in to AWS again, or give valid credentials as AWS tools take them.'
          : 'Run the backup again; if it stays so, the message of the service is the cause of this error.',
      ];
  }
}

/** The problem of one object; undefined when an error concerns more than that. */
export function objectProblem(path: string, error: unknown): Problem | undefined {
  const problem = (code: string, detail: string): Problem => ({ path, code, detail });
  if (error instanceof BrokenOff) return problem('unreadable', error.message);
  const failure = awsFailure(error);
  if (failure === undefined || concernsAll(failure)) return undefined;
  const { name, status, reason } = failure;
  if (reason === 'absent' || status === 405) {
    return problem('vanished', 'was deleted after it had been listed');
  }
  if (status === 412) return problem('changed', 'was overwritten after it had been listed');
  if (reason === 'archived') {
    const detail =
      'lies in a storage class that has to be restored before it can be read (Glacier)';
    return problem('unreadable', detail);
  }
  if (reason === 'denied') {
    const detail = `access was refused (${name}): it needs s3:GetObject, of versions s3:GetObjectVersion, and kms:Decrypt for its key`;
    return problem('unreadable', detail);
  }
  const answered = `the bucket answered ${name} (status ${status})`;
  if (status === 400 && name === 'InvalidRequest') {
    // What else S3 answers so to a plain GET is not known; the text of the answer is not relied on.
    const detail = `${answered}, as for an object that is encrypted with a key of the customer (SSE-C)`;
    return problem('unreadable', detail);
  }
  return problem('unreadable', answered);
}

/** True for what the next object would meet as well. */
function concernsAll({ status, reason }: AwsFailure): boolean {
  if (status === undefined || status >= 500 || status === 429) return true;
  return isCredentialsReason(reason) || WHOLE_RUN.includes(reason);
}

const WHOLE_RUN: readonly Reason[] = ['no-bucket', 'clock'];
