// What must hold for whoever is told: messages leave by a way that exists here.
import type { ConfigFinding } from './faults.ts';
import { outOfReach, repeatedFindings } from './functions.ts';
import type { ConfigShape } from '../schema/configuration.ts';

/** Finds messages that nobody would send, and whom nobody would reach. */
export function notifyFindings(shape: ConfigShape): ConfigFinding[] {
  const { aws, notify, sources } = shape;
  const findings = [
    ...repeatedFindings(notify.email, ['notify', 'email'], 'address'),
    ...Object.entries(notify.sinks).flatMap(([name, sink]) =>
      sink.kind === 'email'
        ? repeatedFindings(sink.to, ['notify', 'sinks', name, 'to'], 'address')
        : [],
    ),
  ];
  if (aws === undefined) return [...findings, ...withoutStack(notify)];
  return [
    ...findings,
    ...outOfReach(notify.heartbeat, ['notify', 'heartbeat']),
    ...Object.entries(sources).flatMap(([name, source]): ConfigFinding[] =>
      source.kind === 'files' || source.heartbeat === undefined
        ? []
        : [
            {
              path: ['sources', name, 'heartbeat'],
              also: [['aws']],
              message: 'nobody would call it: the stack backs this source up',
              allowed: '"notify.heartbeat", which the stack calls while all sources are well',
            },
          ],
    ),
  ];
}

/** Who is told by the stack alone hears nothing where there is none. */
function withoutStack({ email, success }: ConfigShape['notify']): ConfigFinding[] {
  const also: ConfigFinding['also'] = [['aws']];
  return [
    ...(email.length === 0
      ? []
      : [
          {
            path: ['notify', 'email'],
            also,
            message:
              'nobody would be told: these messages come from the stack, and there is no "aws"',
            allowed: 'a sink of kind email under "notify.sinks", or "aws"',
          },
        ]),
    ...(success === 'never'
      ? []
      : [
          {
            path: ['notify', 'success'],
            also,
            message: 'nobody would be told: the stack sends this message, and there is no "aws"',
            allowed: '"notify.heartbeat", or "aws"',
          },
        ]),
  ];
}
