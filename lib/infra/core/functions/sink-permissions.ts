// What the function that escalates may do to tell people: read the secrets that sinks and contacts name, and send through SNS.
import { Aws } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { secretsOf } from '../../../config/notify.ts';
import type { NotifyConfig } from '../../../config/notify.ts';
import { showReference } from '../../../config/places.ts';
import { readSecret } from './source-permissions.ts';

/** Reading what `notify` names, and nothing else, and publishing where a sink does. */
export function tellThroughSinks(
  scope: Construct,
  notify: NotifyConfig,
  { topicArn }: ITopic,
): PolicyStatement[] {
  const references = new Map(secretsOf(notify).map((one) => [showReference(one), one]));
  const topics = notify.sinks.flatMap((sink) =>
    sink.kind === 'sns' ? [sink.topic ?? topicArn] : [],
  );
  return [
    ...[...references.values()].flatMap((one) => readSecret(scope, one)),
    ...(topics.length === 0
      ? []
      : [new PolicyStatement({ actions: ['sns:Publish'], resources: [...new Set(topics)] })]),
    ...(notify.sinks.some(({ kind }) => kind === 'sms') ? [sendTexts()] : []),
  ];
}

/** A number has no ARN: everything but a topic or an application is one. */
function sendTexts(): PolicyStatement {
  return new PolicyStatement({
    actions: ['sns:Publish'],
    notResources: [`arn:${Aws.PARTITION}:sns:*:*:*`],
  });
}

/** How the alarms of the account stand, and by which numbers; CloudWatch knows no resources here. */
export function seeAlarms(): PolicyStatement[] {
  return [
    new PolicyStatement({
      actions: ['cloudwatch:DescribeAlarms', 'cloudwatch:GetMetricStatistics'],
      resources: ['*'],
    }),
  ];
}
