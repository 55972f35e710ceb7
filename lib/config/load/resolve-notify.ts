// From what the file says about messages to what the program uses. Pure.
import assert from 'node:assert/strict';

import type { NotifyConfig, SinkConfig } from '../notify.ts';
import { absolutePath, parseReference, type Bases, type SecretReference } from '../places.ts';
import type { ConfigShape } from '../schema/configuration.ts';
import { timeZoneName } from '../../policy/calendar.ts';
import { durationMs } from '../units.ts';

type SinkShape = ConfigShape['notify']['sinks'][string];

/** Who gets messages, and by which ways. */
export function notifyOf({ notify, retention }: ConfigShape, bases: Bases): NotifyConfig {
  const { email, success, heartbeat, sinks, contacts, escalation, quietHours } = notify;
  return {
    ...{ email, success, recovery: notify.recovery },
    heartbeat: heartbeat === undefined ? undefined : parseReference(heartbeat, bases),
    sinks: Object.entries(sinks).map(([name, sink]) => sinkOf(name, sink, bases)),
    contacts: Object.entries(contacts).map(([name, { phone, ...contact }]) => ({
      ...{ email: undefined, contract: undefined, lastVerified: undefined, hours: undefined },
      ...{ rotation: undefined, ...contact, name },
      phone: phone === undefined ? undefined : required(phone, bases),
    })),
    timeZone: timeZoneName(notify.timeZone ?? retention.timeZone),
    quietHours: { watch: quietHours?.watch, alarm: quietHours?.alarm },
    escalation: escalation && {
      steps: escalation.steps.map(({ after, contacts: told, repeat }) => ({
        afterMs: durationMs(after),
        contacts: told,
        repeatMs: optionalMs(repeat),
      })),
      resumeMs: optionalMs(escalation.resumeAfter),
      remindMs: optionalMs(escalation.remindAfter),
    },
  };
}

function sinkOf(name: string, sink: SinkShape, bases: Bases): SinkConfig {
  const at = (text: string) => required(text, bases);
  switch (sink.kind) {
    case 'email':
      return { name, kind: sink.kind, server: at(sink.server), from: sink.from, to: sink.to };
    case 'webhook':
      return { name, kind: sink.kind, url: at(sink.url), secret: at(sink.secret) };
    case 'command': {
      const [program = '', ...args] = sink.run;
      return { name, kind: sink.kind, run: [programAt(program, bases), ...args] };
    }
    case 'ntfy': {
      const token = sink.token === undefined ? undefined : at(sink.token);
      return { name, kind: sink.kind, url: at(sink.url), token };
    }
    case 'slack':
    case 'teams':
      return { name, kind: sink.kind, url: at(sink.url) };
    case 'sns':
      return { name, kind: sink.kind, topic: sink.topic };
    case 'sms':
      return { name, kind: sink.kind };
    case 'pagerduty':
      return { name, kind: sink.kind, routingKey: at(sink.routingKey), server: sink.server };
  }
}

function optionalMs(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : durationMs(duration);
}

function required(text: string, bases: Bases): SecretReference {
  const reference = parseReference(text, bases);
  assert(reference !== undefined, 'an invalid reference passed the rules');
  return reference;
}

/** A name without a slash is looked for on the PATH, when it runs. */
function programAt(program: string, bases: Bases): string {
  return program.includes('/') ? absolutePath(program, bases) : program;
}
