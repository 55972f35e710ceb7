// Publishing by Amazon SNS: on a topic, or to a number. No number gets into an error.
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import type { AwsPlace } from './aws-place.ts';
import { awsError } from './errors.ts';

export interface Publication {
  readonly to: { readonly topic: string } | { readonly phone: string };
  /** At most 100 characters of ASCII; a text message has none. */
  readonly subject: string;
  readonly text: string;
  /** What a subscriber can choose by. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Resolves when it was taken. `STORE_DENIED` or `STORE_UNAVAILABLE` when it was not. */
export async function publish(
  publication: Publication,
  { signal, ...place }: AwsPlace & { readonly signal?: AbortSignal },
): Promise<void> {
  const { to } = publication;
  // The region of a topic is in its ARN.
  const region = 'topic' in to ? to.topic.split(':')[3] : place.region;
  const client = new SNSClient(region === undefined ? {} : { region });
  try {
    await client.send(new PublishCommand(inputOf(publication)), {
      ...(signal && { abortSignal: signal }),
    });
  } catch (error) {
    const thing = 'topic' in to ? `the topic ${to.topic}` : 'the number of the contact';
    throw awsError(error, { thing, doing: 'did not take the message' });
  } finally {
    client.destroy();
  }
}

function inputOf({ to, subject, text, attributes }: Publication) {
  if ('phone' in to)
    return {
      PhoneNumber: to.phone,
      Message: text,
      MessageAttributes: attributesOf({ 'AWS.SNS.SMS.SMSType': 'Transactional' }),
    };
  return {
    TopicArn: to.topic,
    Subject: subject,
    Message: text,
    MessageAttributes: attributesOf(attributes),
  };
}

function attributesOf(attributes: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, StringValue]) => [
      name,
      { DataType: 'String', StringValue },
    ]),
  );
}
