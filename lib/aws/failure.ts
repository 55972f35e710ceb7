// What a service of AWS, or a server like one, answered instead of a success: read from any error of the SDK, by names and statuses.
import { HoldfastError } from '../errors.ts';
import { BrokenAnswer } from '../network/broken-answer.ts';

/** Why a call failed, and the names that services give to that. What is not among these is told by the status. */
const NAMES = {
  absent: [
    'ExecutionDoesNotExist',
    'NotFound',
    'NotFoundException',
    'ParameterNotFound',
    'ResourceNotFoundException',
    'StateMachineDoesNotExist',
  ],
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
  expired: ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'],
  full: [],
  key: ['DecryptionFailure'],
  'no-bucket': ['NoSuchBucket'],
  'no-credentials': ['CredentialsProviderError', 'TokenProviderError'],
  'no-region': ['RegionMissing'],
  'out-of-range': [],
  region: [
    'AuthorizationHeaderMalformed',
    'IllegalLocationConstraintException',
    'PermanentRedirect',
    'TemporaryRedirect',
  ],
  taken: [],
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
  unknown: [],
  'unknown-access-key': ['InvalidAccessKeyId'],
  unsupported: [],
  unusable: ['InvalidRequestException', 'KMSInvalidStateException'],
  // Each says that some part does not fit, or has expired, and not which.
  'wrong-credentials': [
    'IncompleteSignature',
    'InvalidClientTokenId',
    'InvalidSignatureException',
    'UnrecognizedClientException',
  ],
  'wrong-secret-key': ['SignatureDoesNotMatch'],
  'wrong-token': ['InvalidToken'],
} as const satisfies Record<string, readonly string[]>;
export type Reason = keyof typeof NAMES;

const BY_NAME: ReadonlyMap<string, Reason> = new Map(
  (Object.keys(NAMES) as Reason[]).flatMap((reason) =>
    NAMES[reason].map((name) => [name, reason] as const),
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
export const CREDENTIALS = {
  expired: 'the credentials have expired',
  'no-credentials': 'no credentials were found',
  'unknown-access-key': 'the access key is not known there',
  'wrong-credentials': 'the credentials are not valid there',
  'wrong-secret-key': 'the secret key does not match the access key',
  'wrong-token': 'the session token is not valid',
} as const satisfies Partial<Record<Reason, string>>;

/** What is wrong where nothing says which region to ask. */
export const NO_REGION = 'no region is set';

export function isCredentialsReason(reason: Reason): reason is keyof typeof CREDENTIALS {
  return Object.hasOwn(CREDENTIALS, reason);
}

/** What is kept of an error of the SDK: the original holds headers of the request, and with them its signature. */
export class AwsFailure extends Error {
  /** Undefined when no server has answered. */
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  /** What the server named as the region of the bucket. */
  readonly region: string | undefined;
  readonly reason: Reason;
  /** What happened, as half a sentence: `it answered AccessDenied (status 403)`. Of what a server said, the name alone is in it. */
  readonly words: string;

  constructor(error: SdkError, name: string) {
    const { message, $metadata, $response, Region } = error;
    super(message);
    this.name = name;
    this.status = $metadata?.httpStatusCode ?? $response?.statusCode;
    this.requestId = $metadata?.requestId;
    this.region = $response?.headers?.['x-amz-bucket-region'] ?? Region;
    this.reason = reasonFor(name, this.status);
    this.words = error instanceof BrokenAnswer ? `it ${message}` : wordsFor(this);
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
  // The SDK gives it no name of its own.
  if (cause.message === 'Region is missing') return new AwsFailure(cause, 'RegionMissing');
  const { name, $metadata, $response, code } = cause as SdkError;
  if (cause instanceof BrokenAnswer || BY_NAME.has(name)) return new AwsFailure(cause, name);
  if ([$metadata, $response, code].every((one) => one === undefined)) return undefined;
  const answered = $metadata?.httpStatusCode !== undefined;
  return new AwsFailure(cause, answered ? name : (code ?? name));
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

/** The words of the failure that {@link awsFailure} finds in `error`; of any other error, its name. */
export function inWords(error: unknown): string {
  return awsFailure(error)?.words ?? (error instanceof Error ? error.name : 'unknown');
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

function wordsFor({ name, status, reason }: Omit<AwsFailure, 'words'>): string {
  if (isCredentialsReason(reason)) return `${CREDENTIALS[reason]} (${name})`;
  if (reason === 'no-region') return NO_REGION;
  if (status === undefined) return `it did not answer (${name})`;
  return `it answered ${name} (status ${status})`;
}
