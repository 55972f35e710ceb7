// How messages are answered, said before anything is deployed: a public URL is nothing that anybody should find out later.
import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from '../../../config/config.ts';
import { escalates, hasLinks } from '../../../config/load/stack-keys.ts';

/** Says at each synthesis whether messages carry a link by which an incident is acknowledged, and what follows from that. */
export function sayHowToAnswer(scope: Construct, config: Config): void {
  if (!escalates(config) || config.aws?.acknowledgeUrl === 'off') return;
  Annotations.of(scope).addInfoV2(
    'holdfast:acknowledge',
    hasLinks(config)
      ? 'Messages carry a link by which an incident is acknowledged. The function behind it has a public URL, and one reserved execution: whoever calls it takes none from backups. `aws.acknowledgeUrl: off` leaves it out.'
      : 'Messages carry no link by which an incident is acknowledged: its public URL needs an execution of its own, so that strangers take none from backups. `aws.reservedConcurrency: create` reserves it; a new account has a quota of 10 executions, which leaves none to reserve. `holdfast incident ack` works without it.',
  );
}
