// What a service of AWS, or a server like one, answered instead of a success: read from any error of the SDK, by names and statuses.
import { HoldfastError } from '../errors.ts';
import { BrokenAnswer } from '../network/in-time.ts';

/** Why a call failed, whatever a service calls it. */
export type Reason =
  | 'absent'
  | 'archived'
  | 'busy'
  | 'cancelled'
  | 'clock'
  | 'denied'
  | 'disabled'
  | 'full'
  | 'key'
  | 'no-bucket'
  | 'out-of-range'
  | 'region'
  | 'taken'
  | 'throttled'
  | 'unavailable'
  | 'unknown'
  | 'unsupported'
  | 'unusable'
  | CredentialsReason;
export type CredentialsReason =
  | 'expired'
  | 'no-credentials'
  | 'unknown-access-key'
  | 'wrong-credentials'
  | 'wrong-secret-key'
  | 'wrong-token';

/** The names that services give to each reason. What is not among them is told by the status. */
const NAMES: Readonly<Partial<Record<Reason, readonly string[]>>> = {
  absent: ['NotFound', 'NotFoundException', 'ParameterNotFound', 'ResourceNotFoundException'],
  archived: ['InvalidObjectState'],
  busy: ['ConditionalRequestConflict', 'OperationAborted'],
  cancelled: ['AbortError'],
  clock: ['RequestTimeTooSkewed'],
  denied: [
    'AccessDenied',
    'AccessDeniedException',
    'AuthorizationError',
    'AuthorizationErrorException',
  ],
  disabled: ['DisabledException'],
  key: ['DecryptionFailure'],
  'no-bucket': ['NoSuchBucket'],
  region: [
    'AuthorizationHeaderMalformed',
    'IllegalLocationConstraintException',
    'PermanentRedirect',
    'TemporaryRedirect',
  ],
  throttled: [
    'SlowDown',
    'Throttling',
    'ThrottlingException',
    'TooManyRequests',
    'TooManyRequestsException',
  ],
  unavailable: [
    'BadDigest',
    'IncompleteBody',
    'InternalError',
    'RequestTimeout',
    'ServiceUnavailable',
    'TimeoutError',
    'XAmzContentSHA256Mismatch',
  ],
  unusable: ['InvalidRequestException', 'KMSInvalidStateException'],
  'no-credentials': ['CredentialsProviderError', 'TokenProviderError'],
  expired: ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'],
  'unknown-access-key': ['InvalidAccessKeyId'],
  'wrong-token': ['InvalidToken'],
  'wrong-secret-key': ['SignatureDoesNotMatch'],
  // Each says that some part does not fit, or has expired, and not which.
  'wrong-credentials': [
    'IncompleteSignature',
    'InvalidClientTokenId',
    'InvalidSignatureException',
    'UnrecognizedClientException',
  ],
};
const BY_NAME: ReadonlyMap<string, Reason> = new Map(
  Object.entries(NAMES).flatMap(([reason, names]) =>
    names.map((name) => [name, reason as Reason] as const),
  ),
);
const BY_STATUS: Readonly<Partial<Record<number, Reason>>> = {
  301: 'region',
  307: 'region',
  401: 'denied',
  403: 'denied',
  404: 'absent',
  405: 'unsupported',
  409: 'taken',
  412: 'taken',
  416: 'out-of-range',
  429: 'throttled',
  501: 'unsupported',
  507: 'full',
};

/** What is wrong with credentials, in words. */
export const CREDENTIALS: Readonly<Record<CredentialsReason, string>> = {
  'no-credentials': 'no credentials were found',
  expired: 'the credentials have expired',
  'unknown-access-key': 'the access key is not known there',
  'wrong-token': 'the session token is not valid',
  'wrong-secret-key': 'the secret key does not match the access key',
  'wrong-credentials': 'the credentials are not valid there',
};

export function isCredentialsReason(reason: Reason): reason is CredentialsReason {
  return Object.hasOwn(CREDENTIALS, reason);
}

interface Facts {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly region: string | undefined;
  /** Whether the message is one of ours, as those of a broken answer are. */
  readonly ours: boolean;
}

/** What is kept of an error of the SDK: the original holds headers of the request, and with them its signature. */
export class AwsFailure extends Error {
  /** Undefined when no server has answered. */
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  /** What the server named as the region of the bucket. */
  readonly region: string | undefined;
  readonly reason: Reason;
  readonly ours: boolean;

  constructor({ name, message, status, requestId, region, ours }: Facts) {
    super(message);
    this.ours = ours;
    this.name = name;
    this.status = status;
    this.requestId = requestId;
    this.region = region;
    this.reason = reasonFor(name, status);
  }
}

/**
 * The failure that `error` of the SDK, or of the way to the server, tells of; of an error of ours, the one that caused it. Undefined
 * for what is no answer of a server, such as a bug.
 */
export function awsFailure(error: unknown): AwsFailure | undefined {
  const cause = error instanceof HoldfastError ? error.cause : error;
  if (cause instanceof AwsFailure) return cause;
  if (!(cause instanceof Error)) return undefined;
  if (cause instanceof BrokenAnswer || BY_NAME.has(cause.name)) return failureOf(cause, cause.name);
  const { name, $metadata, $response, code } = cause as SdkError;
  if ([$metadata, $response, code].every((one) => one === undefined)) return undefined;
  return failureOf(cause, $metadata?.httpStatusCode === undefined ? (code ?? name) : name);
}

function failureOf(error: SdkError, name: string): AwsFailure {
  const { message, $metadata, $response, Region } = error;
  return new AwsFailure({
    name,
    message,
    status: $metadata?.httpStatusCode ?? $response?.statusCode,
    requestId: $metadata?.requestId,
    region: $response?.headers?.['x-amz-bucket-region'] ?? Region,
    ours: error instanceof BrokenAnswer,
  });
}

interface SdkError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
  readonly $response?: {
    readonly statusCode?: number;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly Region?: string;
  readonly code?: string;
}

/** What happened, as half a sentence: `it answered AccessDenied (status 403)`. Of what a server said, the name alone is in it. */
export function inWords(error: unknown): string {
  const failure = awsFailure(error);
  if (failure === undefined) return error instanceof Error ? error.name : 'unknown';
  const { name, message, status, reason, ours } = failure;
  if (isCredentialsReason(reason)) return `${CREDENTIALS[reason]} (${name})`;
  if (status !== undefined) return `it answered ${name} (status ${status})`;
  return ours ? `it ${message}` : `it did not answer (${name})`;
}

/** True for what may be otherwise when the same is asked again: the server did nothing, or what it did is found out afterwards. */
export function mayPass({ reason, status = 0 }: AwsFailure): boolean {
  return PASSING.has(reason) || (status >= 500 && status !== 501);
}

const PASSING: ReadonlySet<Reason> = new Set(['busy', 'cancelled', 'throttled', 'unavailable']);

function reasonFor(name: string, status: number | undefined): Reason {
  const named = BY_NAME.get(name);
  if (named !== undefined) return named;
  if (name.startsWith('KMS.')) return 'key';
  if (/StorageFull|QuotaExceeded|InsufficientStorage/.test(name)) return 'full';
  // Without a status nothing was answered; and an error inside a success is one of the server.
  if (status === undefined || status < 300) return 'unavailable';
  return BY_STATUS[status] ?? (status >= 500 ? 'unavailable' : 'unknown');
}
