// From what a service of AWS answers to errors of ours. The service's own words stay in the cause: they may quote a request.
import { HoldfastError, type ErrorCode } from '../errors.ts';

/** What is said of a failed call: the thing that was asked, such as `the key arn:…`, and what was to be done with it. */
export interface AwsCall {
  readonly thing: string;
  /** As in `cannot be used to sign`. */
  readonly doing: string;
}

interface Meaning {
  readonly code: ErrorCode;
  readonly why: string;
  readonly hint: string;
}

const DENIED: Meaning = {
  code: 'STORE_DENIED',
  why: 'access is denied',
  hint: 'Give the role that runs this the permission, in its own policy and in that of the thing.',
};
const NO_CREDENTIALS: Meaning = {
  code: 'STORE_DENIED',
  why: 'the credentials are missing, expired or not valid',
  hint: 'Sign in to AWS again, or set the variables that hold credentials.',
};
const ABSENT: Meaning = {
  code: 'STORE_DENIED',
  why: 'it does not exist there',
  hint: 'Check its name, the region and the account.',
};
const DISABLED: Meaning = {
  code: 'STORE_DENIED',
  why: 'it is disabled',
  hint: 'Enable it again; the trail says who disabled it.',
};
const UNUSABLE: Meaning = {
  code: 'STORE_DENIED',
  why: 'it is pending deletion, or in a state that allows no use',
  hint: 'Cancel its deletion and enable it; the trail says who asked for it.',
};
const UNAVAILABLE: Meaning = {
  code: 'STORE_UNAVAILABLE',
  why: 'the service did not answer as it should',
  hint: 'Try again; the status page of the service says whether it is disturbed.',
};
const CANCELLED: Meaning = {
  code: 'CANCELLED',
  why: 'the run was interrupted',
  hint: 'Run it again.',
};

const MEANINGS: Readonly<Record<string, Meaning>> = {
  AccessDenied: DENIED,
  AccessDeniedException: DENIED,
  AuthorizationError: DENIED,
  AuthorizationErrorException: DENIED,
  CredentialsProviderError: NO_CREDENTIALS,
  ExpiredToken: NO_CREDENTIALS,
  ExpiredTokenException: NO_CREDENTIALS,
  IncompleteSignature: NO_CREDENTIALS,
  InvalidClientTokenId: NO_CREDENTIALS,
  InvalidSignatureException: NO_CREDENTIALS,
  SignatureDoesNotMatch: NO_CREDENTIALS,
  TokenProviderError: NO_CREDENTIALS,
  UnrecognizedClientException: NO_CREDENTIALS,
  NotFound: ABSENT,
  NotFoundException: ABSENT,
  ParameterNotFound: ABSENT,
  ResourceNotFoundException: ABSENT,
  DisabledException: DISABLED,
  KMSInvalidStateException: UNUSABLE,
  InvalidRequestException: UNUSABLE,
  AbortError: CANCELLED,
};

/** The error for a call that failed: `STORE_DENIED` where a permission or a key is at fault, `CANCELLED`, else `STORE_UNAVAILABLE`. */
export function awsError(cause: unknown, { thing, doing }: AwsCall): HoldfastError {
  if (cause instanceof HoldfastError) return cause;
  const name = cause instanceof Error ? cause.name : 'unknown';
  const { code, why, hint } = MEANINGS[name] ?? UNAVAILABLE;
  return new HoldfastError(code, `${thing} ${doing}: ${why} (${name})`, { hint, cause });
}
