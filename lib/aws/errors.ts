// From what a service of AWS answers to errors of ours. The service's own words stay in the cause: they may quote a request.
import { HoldfastError, type ErrorCode } from '../errors.ts';
import { awsFailure, isCredentialsReason, NO_REGION, type Reason } from './failure.ts';

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

const MEANINGS: Readonly<Partial<Record<Reason, Meaning>>> = {
  denied: {
    code: 'STORE_DENIED',
    why: 'access is denied',
    hint: 'Give the role that runs this the permission, in its own policy and in that of the thing.',
  },
  absent: {
    code: 'STORE_DENIED',
    why: 'it does not exist there',
    hint: 'Check its name, the region and the account.',
  },
  disabled: {
    code: 'STORE_DENIED',
    why: 'it is disabled',
    hint: 'Enable it again; the trail says who disabled it.',
  },
  unusable: {
    code: 'STORE_DENIED',
    why: 'it is pending deletion, or in a state that allows no use',
    hint: 'Cancel its deletion and enable it; the trail says who asked for it.',
  },
  'no-region': {
    code: 'CONFIG_INVALID',
    why: NO_REGION,
    hint: 'Set AWS_REGION, or the region of the profile.',
  },
  cancelled: { code: 'CANCELLED', why: 'the run was interrupted', hint: 'Run it again.' },
};
const UNAVAILABLE: Meaning = {
  code: 'STORE_UNAVAILABLE',
  why: 'the service did not answer as it should',
  hint: 'Try again; the status page of the service says whether it is disturbed.',
};

/**
 * The error for a call that failed: `STORE_DENIED` where a permission or a key is at fault, `CONFIG_INVALID`
 * where no region is set, `CANCELLED`, else `STORE_UNAVAILABLE`. An
 * error of ours, and what is no answer of a service, such as a bug, is returned as it is.
 */
export function awsError(error: unknown, { thing, doing }: AwsCall): unknown {
  if (error instanceof HoldfastError) return error;
  const failure = awsFailure(error);
  if (failure === undefined) return error;
  const { code, why, hint } = meaningOf(failure.reason);
  return new HoldfastError(code, `${thing} ${doing}: ${why} (${failure.name})`, {
    hint,
    cause: failure,
  });
}

function meaningOf(reason: Reason): Meaning {
  if (!isCredentialsReason(reason)) return MEANINGS[reason] ?? UNAVAILABLE;
  return {
    code: 'STORE_DENIED',
    why: 'the credentials are missing, expired or not valid',
    hint: 'Sign in to AWS again, or set the variables that hold credentials.',
  };
}
