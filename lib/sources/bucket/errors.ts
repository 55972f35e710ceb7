// What went wrong with a bucket, in the user's terms: decided by names and statuses, never by the text of a message.
import { HoldfastError, type Problem } from '../../errors.ts';

/** The name that the server gave an error; empty when it came from elsewhere. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** The status of the response that was an error; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

/** Nothing came back for a request. */
export class NoAnswer extends Error {
  constructor() {
    super('it gave no answer in time');
    this.name = 'NoAnswer';
  }
}

/** True for what may be otherwise in a moment. */
export function mayPass(error: unknown): boolean {
  const status = statusOf(error);
  if (status !== undefined) return status >= 500 ? status !== 501 : status === 429;
  const { code } = error as { code?: unknown };
  return error instanceof NoAnswer || (typeof code === 'string' && NETWORK.includes(code));
}

const NETWORK: readonly string[] = [
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
];

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
  return new HoldfastError('SOURCE_UNREADABLE', `the bucket ${place.bucket} ${what}`, {
    hint,
    cause: error,
  });
}

function reasonFor(error: unknown, permission: string): [string, string] {
  const name = errorName(error);
  const status = statusOf(error);
  if (name === 'NoSuchBucket' || status === 404) {
    return ['does not exist', 'Is its name spelled as in the configuration, and its region right?'];
  }
  if (status === 301 || name === 'PermanentRedirect' || name === 'AuthorizationHeaderMalformed') {
    return ['is in another region', 'Set `region` of the source to the region of the bucket.'];
  }
  if (status === 403 || name === 'AccessDenied') {
    return [
      `refuses access (${name})`,
      `Holdfast needs the permission ${permission} on it, and the bucket must belong to \`account\` if that is set.`,
    ];
  }
  return [
    `could not be read: ${name}${status === undefined ? '' : ` (status ${status})`}`,
    'Run the backup again; if it stays so, the message of the service is the cause of this error.',
  ];
}

/** The problem of one object; undefined when an error concerns more than that. */
export function objectProblem(path: string, error: unknown): Problem | undefined {
  const name = errorName(error);
  const status = statusOf(error);
  const problem = (code: string, detail: string): Problem => ({ path, code, detail });
  if (name === 'BrokenOff') return problem('unreadable', (error as Error).message);
  if (WHOLE_RUN.includes(name) || status === undefined || status >= 500 || status === 429) return;
  if (status === 404 || status === 405) {
    return problem('vanished', 'was deleted after it had been listed');
  }
  if (status === 412) return problem('changed', 'was overwritten after it had been listed');
  if (name === 'InvalidObjectState') {
    const detail =
      'lies in a storage class that has to be restored before it can be read (Glacier)';
    return problem('unreadable', detail);
  }
  if (status === 403) {
    const detail = `access was refused (${name}): it needs s3:GetObject, of versions s3:GetObjectVersion, and kms:Decrypt for its key`;
    return problem('unreadable', detail);
  }
  if (status === 400 && name === 'InvalidRequest') {
    // What else S3 answers so to a plain GET is not known; the text of the answer is not relied on.
    const detail = `the bucket answered ${name} (status 400), as for an object that is encrypted with a key of the customer (SSE-C)`;
    return problem('unreadable', detail);
  }
  return problem('unreadable', `the bucket answered ${name} (status ${status})`);
}

/** Errors that the next object would meet as well. */
const WHOLE_RUN: readonly string[] = [
  'NoSuchBucket',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'RequestTimeTooSkewed',
  'InvalidToken',
  'TokenRefreshRequired',
];
