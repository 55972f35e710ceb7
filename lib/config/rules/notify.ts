// What must hold for those who get messages: messages leave by a way that exists here.
import { quote } from './faults.ts';
import type { ConfigFinding } from './faults.ts';
import { isDay } from '../../policy/calendar.ts';
import { REPORTING_SINKS } from '../notify.ts';
import { isPlaceholder } from '../placeholder.ts';
import { outOfReach, repeatedFindings } from './functions.ts';
import type { ConfigShape } from '../schema/configuration.ts';
import { durationMs } from '../units.ts';
import { zoneFindings } from './sources.ts';

type Notify = ConfigShape['notify'];

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
    ...contactFindings(notify),
    ...rotationFindings(notify),
    ...(notify.timeZone === undefined ? [] : zoneFindings(notify.timeZone, ['notify', 'timeZone'])),
    ...escalationFindings(notify),
    ...snsFindings(shape),
  ];
  if (aws === undefined) return [...findings, ...withoutStack(notify)];
  return [
    ...findings,
    ...outOfReach(notify.heartbeat, ['notify', 'heartbeat']),
    ...sinksOutOfReach(notify),
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

/** Finds sinks and numbers that the function `escalate` could not use. */
function sinksOutOfReach({ sinks, contacts }: Notify): ConfigFinding[] {
  const ofSinks = Object.entries(sinks).flatMap(([name, sink]): ConfigFinding[] => {
    const at = ['notify', 'sinks', name];
    if (sink.kind === 'command')
      return [
        {
          path: [...at, 'kind'],
          also: [['aws']],
          message:
            'a function cannot start a program of this machine, and with "aws" a function sends the messages',
          allowed: 'email, webhook, ntfy, slack, teams, pagerduty, sns or sms together with "aws"',
        },
      ];
    return Object.entries(sink).flatMap(([option, value]) =>
      typeof value === 'string' && SECRETS.includes(option)
        ? outOfReach(value, [...at, option])
        : [],
    );
  });
  const ofContacts = Object.entries(contacts).flatMap(([name, { phone }]) =>
    outOfReach(phone, ['notify', 'contacts', name, 'phone']),
  );
  return [...ofSinks, ...ofContacts];
}

/** The options of sinks that lead to secrets. */
const SECRETS: readonly string[] = ['server', 'url', 'secret', 'token', 'routingKey'];

/** Finds ways that lead nowhere: text messages to nobody, and the topic of a stack that is not there. */
function snsFindings({ notify, aws }: ConfigShape): ConfigFinding[] {
  const { sinks, contacts, escalation } = notify;
  const ofSinks = Object.entries(sinks).flatMap(([name, sink]): ConfigFinding[] => {
    const at = ['notify', 'sinks', name];
    if (sink.kind === 'sns' && sink.topic === undefined && aws === undefined)
      return [
        {
          path: at,
          also: [['aws']],
          message: 'there is no stack whose topic this could be',
          allowed: 'the ARN of a topic in "topic", or "aws"',
        },
      ];
    if (sink.kind === 'sms' && escalation === undefined)
      return [
        {
          path: at,
          also: [['notify', 'escalation']],
          message: 'a text message goes to a contact of a step, and there are no steps',
          allowed: '"notify.escalation" with a step whose contacts have this sink',
        },
      ];
    return [];
  });
  const ofContacts = Object.entries(contacts).flatMap(([name, contact]): ConfigFinding[] => {
    const isTexted = contact.sinks.some((sink) => sinks[sink]?.kind === 'sms');
    if (!isTexted || contact.phone !== undefined) return [];
    const path = ['notify', 'contacts', name];
    return [
      {
        path: [...path, 'sinks'],
        message: 'no text message can reach this contact: it has no number',
        allowed: '"phone", with a reference to where the number is',
      },
    ];
  });
  return [...ofSinks, ...ofContacts];
}

/** Finds contacts whom no message reaches, and placeholders in place of numbers and addresses. */
function contactFindings({ contacts, sinks }: Notify): ConfigFinding[] {
  return Object.entries(contacts).flatMap(([name, contact]) => {
    const at = ['notify', 'contacts', name];
    const findings = contact.sinks.flatMap((sink, index) =>
      sink in sinks ? [] : [unknownName([...at, 'sinks', index], sink, 'sink', Object.keys(sinks))],
    );
    const isMailed = contact.sinks.some((sink) => sinks[sink]?.kind === 'email');
    if (contact.email !== undefined && !isMailed && contact.rotation === undefined)
      findings.push({
        path: [...at, 'email'],
        also: [[...at, 'sinks']],
        message: 'nothing is sent there: none of the sinks of this contact is of kind email',
        allowed: 'a sink of kind email under "sinks" of the contact',
      });
    for (const option of ['role', 'email', 'contract'] as const)
      if (isPlaceholder(contact[option] ?? ''))
        findings.push({
          path: [...at, option],
          message: `${quote(contact[option] ?? '')} is a placeholder`,
          allowed: 'what really reaches somebody',
        });
    if (contact.sinks.length === 0 && contact.rotation === undefined)
      findings.push({
        path: at,
        message: 'messages to this contact would reach nobody: it has neither sinks nor a rotation',
        allowed: '"sinks", or "rotation" with the contacts that take turns',
      });
    if (contact.lastVerified !== undefined && !isDay(contact.lastVerified))
      findings.push(noDay([...at, 'lastVerified'], contact.lastVerified));
    return findings;
  });
}

/** Finds turns that nobody could take, and what would be sent to a rotation itself. */
function rotationFindings({ contacts }: Notify): ConfigFinding[] {
  const people = Object.keys(contacts).filter((one) => contacts[one]?.rotation === undefined);
  return Object.entries(contacts).flatMap(([name, contact]) => {
    const { rotation } = contact;
    if (rotation === undefined) return [];
    const at = ['notify', 'contacts', name];
    const [day = ''] = rotation.since.split('T');
    return [
      ...rotation.contacts.flatMap((one, index) =>
        people.includes(one)
          ? []
          : [unknownName([...at, 'rotation', 'contacts', index], one, 'person', people)],
      ),
      ...(isDay(day) ? [] : [noDay([...at, 'rotation', 'since'], day)]),
      ...(['sinks', 'email', 'phone', 'contract'] as const).flatMap((option): ConfigFinding[] => {
        const isUsed =
          option === 'sinks' ? contact.sinks.length > 0 : contact[option] !== undefined;
        const message = `a contact with a rotation has no ${option} of its own`;
        const allowed = `"${option}" of the contacts that take turns`;
        return isUsed ? [{ path: [...at, option], message, allowed }] : [];
      }),
    ];
  });
}

function noDay(path: ConfigFinding['path'], text: string): ConfigFinding {
  const message = `${quote(text)} is no day of the calendar`;
  return { path, message, allowed: 'a date such as 2026-10-03' };
}

function escalationFindings({ contacts, escalation }: Notify): ConfigFinding[] {
  const steps = escalation?.steps ?? [];
  return steps.flatMap((step, index) => {
    const at = ['notify', 'escalation', 'steps', index];
    const unknown = step.contacts.flatMap((name, place) =>
      name in contacts
        ? []
        : [unknownName([...at, 'contacts', place], name, 'contact', Object.keys(contacts))],
    );
    const before = steps[index - 1];
    const isLater = before === undefined || durationMs(step.after) > durationMs(before.after);
    if (isLater) return unknown;
    return [
      ...unknown,
      {
        path: [...at, 'after'],
        message: `got ${quote(step.after)}, which is not later than the step before`,
        allowed: `more than ${before.after}`,
      },
    ];
  });
}

function unknownName(
  path: ConfigFinding['path'],
  name: string,
  what: 'sink' | 'contact' | 'person',
  known: readonly string[],
): ConfigFinding {
  return {
    path,
    message: `there is no ${what} ${quote(name)}, so this would reach nobody`,
    allowed:
      known.length === 0
        ? `a name under "notify.${what === 'sink' ? 'sinks' : 'contacts'}"`
        : known.join(', '),
  };
}

/** Where there is no stack, the recipients that only a stack can reach get nothing. */
function withoutStack({ email, success, sinks }: Notify): ConfigFinding[] {
  const also: ConfigFinding['also'] = [['aws']];
  return [
    ...(email.length === 0
      ? []
      : [
          {
            path: ['notify', 'email'],
            also,
            message:
              'these messages would reach nobody: the stack sends them, and there is no "aws"',
            allowed: 'a sink of kind email under "notify.sinks", or "aws"',
          },
        ]),
    ...(success === 'never' ||
    Object.values(sinks).some((one) => REPORTING_SINKS.includes(one.kind))
      ? []
      : [
          {
            path: ['notify', 'success'],
            also: [['aws'], ['notify', 'sinks']],
            message:
              'this report would reach nobody: there is no "aws", and no sink that it could go to',
            allowed: `a sink of kind ${REPORTING_SINKS.join(', ')} under "notify.sinks", or "aws"`,
          },
        ]),
  ];
}
