// Who gets messages, and by which ways: the resolved form of `notify`. It holds references to secrets, never the secrets.
import type { ReportPeriod } from '../policy/report-times.ts';
import type { Severity } from '../policy/conditions/row.ts';
import type { SecretReference } from './places.ts';

interface Named {
  readonly name: string;
}

export interface EmailSinkConfig extends Named {
  readonly kind: 'email';
  /** Leads to `smtps://USER:PASSWORD@HOST:PORT`. */
  readonly server: SecretReference;
  readonly from: string;
  readonly to: readonly string[];
}

export interface WebhookSinkConfig extends Named {
  readonly kind: 'webhook';
  readonly url: SecretReference;
  /** Signs each request. */
  readonly secret: SecretReference;
}

export interface CommandSinkConfig extends Named {
  readonly kind: 'command';
  /** The program, absolute or a name on the PATH, and its arguments. */
  readonly run: readonly string[];
}

export interface NtfySinkConfig extends Named {
  readonly kind: 'ntfy';
  /** Leads to the URL of the topic. */
  readonly url: SecretReference;
  readonly token: SecretReference | undefined;
}

export interface ChatSinkConfig extends Named {
  readonly kind: 'slack' | 'teams';
  readonly url: SecretReference;
}

export interface SnsSinkConfig extends Named {
  readonly kind: 'sns';
  /** An ARN; undefined for the topic of the stack. */
  readonly topic: string | undefined;
}

/** A text message to the number of a contact. */
export interface SmsSinkConfig extends Named {
  readonly kind: 'sms';
}

export interface PagerDutySinkConfig extends Named {
  readonly kind: 'pagerduty';
  readonly routingKey: SecretReference;
  readonly server: 'us' | 'eu';
}

/** A way by which messages go out. */
export type SinkConfig =
  | EmailSinkConfig
  | WebhookSinkConfig
  | CommandSinkConfig
  | NtfySinkConfig
  | ChatSinkConfig
  | PagerDutySinkConfig
  | SnsSinkConfig
  | SmsSinkConfig;

/** A person or a team. */
export interface ContactConfig {
  readonly name: string;
  readonly role: string;
  /** Names of sinks; empty for a rotation. */
  readonly sinks: readonly string[];
  readonly email: string | undefined;
  readonly phone: SecretReference | undefined;
  readonly contract: string | undefined;
  /** As `policy/week-hours.ts` reads them; undefined for always. */
  readonly hours: readonly string[] | undefined;
  /** Names of the contacts of which it stands for one, and when their turns began. */
  readonly rotation: { readonly contacts: readonly string[]; readonly since: string } | undefined;
  /** `2026-10-03` */
  readonly lastVerified: string | undefined;
}

/** A step of the escalation. */
export interface EscalationStepConfig {
  readonly afterMs: number;
  /** Names of contacts. */
  readonly contacts: readonly string[];
  readonly repeatMs: number | undefined;
}

/** Who gets a message about an incident, and who is next. */
export interface EscalationConfig {
  readonly steps: readonly EscalationStepConfig[];
  readonly resumeMs: number | undefined;
  readonly remindMs: number | undefined;
}

/** Whom to tell. */
export interface NotifyConfig {
  /** Who gets messages of the stack on AWS. */
  readonly email: readonly string[];
  /** When people hear of successes, too. */
  readonly success: 'never' | ReportPeriod;
  /** A URL that is called while all is well; the service behind it notices when the calls end. */
  readonly heartbeat: SecretReference | undefined;
  /** The ways of the command line, in the order of the file. */
  readonly sinks: readonly SinkConfig[];
  readonly contacts: readonly ContactConfig[];
  /** Whether something is tried by itself to end an incident. */
  readonly recovery: 'once' | 'off';
  /** By which all hours of the week are read. */
  readonly timeZone: string;
  /** When nobody gets a message about an incident, by how grave it is. */
  readonly quietHours: Readonly<Record<Severity, readonly string[] | undefined>>;
  /** Undefined where each sink gets one message. */
  readonly escalation: EscalationConfig | undefined;
}

/** Every secret that sinks and contacts need. */
export function secretsOf({
  sinks,
  contacts,
}: Pick<NotifyConfig, 'sinks' | 'contacts'>): SecretReference[] {
  const ofSinks = sinks.flatMap((sink): (SecretReference | undefined)[] => {
    switch (sink.kind) {
      case 'email':
        return [sink.server];
      case 'webhook':
        return [sink.url, sink.secret];
      case 'ntfy':
        return [sink.url, sink.token];
      case 'slack':
      case 'teams':
        return [sink.url];
      case 'pagerduty':
        return [sink.routingKey];
      case 'command':
      case 'sns':
      case 'sms':
        return [];
    }
  });
  const all = [...ofSinks, ...contacts.map(({ phone }) => phone)];
  return all.filter((one) => one !== undefined);
}

/** The kinds of sinks whose messages are read by day; the others call people. */
export const REPORTING_SINKS: readonly string[] = ['email', 'webhook', 'ntfy', 'slack', 'teams'];
