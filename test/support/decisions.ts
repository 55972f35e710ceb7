// What AWS would decide about a request: by the policy of who asks, beside the policy of what is asked for.
import { runSimulation } from '@cloud-copilot/iam-simulate';
import { PERMISSIONS, type Operation } from '../../lib/stores/s3/errors.ts';
import type { SentRequest } from './faulty-handler.ts';
import { ACCOUNT } from './stacks.ts';

export interface Asked {
  readonly action: string;
  readonly on: string;
  readonly with?: Record<string, string | string[]>;
}

/** The policies by which it is decided. */
export interface Deciding {
  /** The ARN of who asks. */
  readonly principal: string;
  readonly policy: unknown;
  /** Undefined where nothing but its own policy stands in the way. */
  readonly resourcePolicy?: unknown;
}

export async function decide(
  { principal, policy, resourcePolicy }: Deciding,
  { action, on, with: context = {} }: Asked,
): Promise<string> {
  const result = await runSimulation(
    {
      request: {
        principal,
        action,
        resource: { resource: on, accountId: ACCOUNT },
        contextVariables: {
          'aws:PrincipalArn': principal,
          'aws:SecureTransport': 'true',
          's3:TlsVersion': '1.3',
          ...context,
        },
      },
      identityPolicies: [{ name: 'own', policy }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy,
    },
    {},
  );
  if (result.resultType === 'error') throw new Error(JSON.stringify(result.errors));
  return result.overallResult;
}

/**
 * What AWS decides about when a test has sent `request` to its server: the actions, what they are done to in `bucket`, and the keys of
 * conditions that the request fills.
 * @param bucket - the ARN of the bucket of the stack, whose store has no prefix
 */
export function askedBy({ operation, path, query, headers }: SentRequest, bucket: string): Asked[] {
  const key = decodeURIComponent(path.replace(/^\/[^/]+\/?/, '')).replace('some/prefix/', '');
  const needed: string = PERMISSIONS[operation as Operation];
  const actions: string[] = needed.match(/s3:\w+/g) ?? [];
  const prefix = query['prefix'];
  const creates = ['PutObject', 'CompleteMultipartUpload'].includes(operation);
  const context = {
    ...(typeof prefix === 'string' && { 's3:prefix': prefix.replace('some/prefix/', '') }),
    ...(actions.includes('s3:PutObject') && { 's3:ObjectCreationOperation': String(creates) }),
    ...(headers['if-none-match'] !== undefined && {
      's3:if-none-match': headers['if-none-match'],
    }),
  };
  return actions.map((action) => ({
    action,
    on: key === '' ? bucket : `${bucket}/${key}`,
    with: context,
  }));
}
