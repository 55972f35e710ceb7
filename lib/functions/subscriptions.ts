// Who would not hear of an alarm: those whom the configuration names, and who have not confirmed what AWS sent them.
import { ListSubscriptionsByTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { awsError } from '../aws/errors.ts';
import type { Invocation } from './invocation.ts';

/** Those of the configured addresses that get no messages; an invitation that nobody confirms is gone after some days. */
export async function unconfirmed({
  config,
  settings: { topic },
}: Pick<Invocation, 'config' | 'settings'>): Promise<string[]> {
  const { email } = config.notify;
  if (email.length === 0 || topic === undefined) return [];
  const confirmed = await subscribers(topic);
  return email.filter((address) => !confirmed.has(address.toLowerCase()));
}

async function subscribers(topic: string): Promise<ReadonlySet<string>> {
  const client = new SNSClient({});
  const found = new Set<string>();
  try {
    let NextToken: string | undefined;
    do {
      const page = await client.send(
        new ListSubscriptionsByTopicCommand({ TopicArn: topic, NextToken }),
      );
      for (const { SubscriptionArn = '', Endpoint = '' } of page.Subscriptions ?? [])
        if (SubscriptionArn.startsWith('arn:')) found.add(Endpoint.toLowerCase());
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return found;
  } catch (error) {
    throw awsError(error, { thing: `the topic ${topic}`, doing: 'does not list who subscribes' });
  } finally {
    client.destroy();
  }
}
