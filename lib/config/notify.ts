// Who is told, and by which ways: the resolved form of `notify`. It holds references to secrets, never the secrets.
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
  | PagerDutySinkConfig;

/** Whom to tell. */
export interface NotifyConfig {
  /** Who gets messages of the stack on AWS. */
  readonly email: readonly string[];
  /** When the stack tells of successes. */
  readonly success: 'never' | 'daily';
  /** A URL that is called while all is well; whoever watches it notices when that ends. */
  readonly heartbeat: SecretReference | undefined;
  /** The ways of the command line, in the order of the file. */
  readonly sinks: readonly SinkConfig[];
}
