// Opens what `notify` names: secrets, and the sinks that need them.
import path from 'node:path';
import process from 'node:process';
import type { Config } from '../config/config.ts';
import type { SinkConfig } from '../config/notify.ts';
import type { SecretReference } from '../config/places.ts';
import { HoldfastError } from '../errors.ts';
import { slackSink, teamsSink } from '../sinks/chat.ts';
import { commandSink } from '../sinks/command.ts';
import { emailSink } from '../sinks/email.ts';
import { callBeat, type Beat } from '../sinks/heartbeat.ts';
import { ntfySink } from '../sinks/ntfy.ts';
import { PAGERDUTY_URLS, pagerDutySink } from '../sinks/pagerduty.ts';
import type { Delivery, Sink } from '../sinks/sink.ts';
import { snsSink, type Published, type Refusal } from '../sinks/sns.ts';
import { webhookSink } from '../sinks/webhook.ts';
import { regionOf, secretAt } from './keys.ts';

/**
 * The sinks of a configuration, in its order. One whose secret cannot be had is among them, and fails: the others then tell of it.
 *
 * @param topic - that of the stack, where this runs in it
 */
export async function openSinks(config: Config, topic?: string): Promise<Sink[]> {
  return Promise.all(
    config.notify.sinks.map(async (sink) => {
      try {
        return await openSink(sink, config, topic);
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        return broken(sink, error.message);
      }
    }),
  );
}

async function openSink(
  sink: SinkConfig,
  config: Config,
  topic: string | undefined,
): Promise<Sink> {
  const { name } = sink;
  const secret = (reference: SecretReference) => secretAt(reference, regionOf(config));
  switch (sink.kind) {
    case 'email':
      return emailSink({ ...sink, server: await secret(sink.server) });
    case 'webhook': {
      const { url, secret: key } = sink;
      const now = () => new Date();
      return webhookSink({ name, url: await secret(url), secret: await secret(key), now });
    }
    case 'command': {
      const folder = path.dirname(config.file);
      return commandSink({ name, run: sink.run, folder, env: process.env });
    }
    case 'ntfy': {
      const token = sink.token && (await secret(sink.token));
      return ntfySink({ name, url: await secret(sink.url), token });
    }
    case 'slack':
      return slackSink({ name, url: await secret(sink.url) });
    case 'teams':
      return teamsSink({ name, url: await secret(sink.url) });
    case 'sns':
    case 'sms': {
      const own = sink.kind === 'sms' ? undefined : (sink.topic ?? topic);
      if (sink.kind === 'sns' && own === undefined) throw noTopic(name);
      const send = (message: Published, signal: AbortSignal) => tryPublish(message, signal, config);
      return snsSink({ name, kind: sink.kind, topic: own, publish: send });
    }
    case 'pagerduty': {
      const routingKey = await secret(sink.routingKey);
      return pagerDutySink({ name, routingKey, url: PAGERDUTY_URLS[sink.server] });
    }
  }
}

async function tryPublish(
  message: Published,
  signal: AbortSignal,
  config: Config,
): Promise<Refusal | undefined> {
  const { publish } = await import('../aws/sns.ts');
  const region = regionOf(config);
  try {
    await publish(message, { signal, ...(region !== undefined && { region }) });
    return undefined;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { why: error.message, again: error.code === 'STORE_UNAVAILABLE' };
  }
}

function noTopic(name: string): HoldfastError {
  return new HoldfastError(
    'CONFIG_INVALID',
    `the sink ${name} sends on the topic of the stack, which the stack alone knows`,
    { hint: 'Name its ARN in `topic`.' },
  );
}

function broken({ name, kind }: SinkConfig, why: string): Sink {
  return { name, kind, send: () => Promise.resolve({ delivered: false, why, again: false }) };
}

/** Calls the heartbeat to which `reference` leads; `undelivered` also where it leads nowhere. */
export async function beatAt(
  config: Config,
  reference: SecretReference,
  { beat, text, signal }: { beat: Beat; text?: string; signal: AbortSignal },
): Promise<Delivery> {
  try {
    const url = await secretAt(reference, regionOf(config));
    return await callBeat(url, beat, { signal, ...(text !== undefined && { text }) });
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { delivered: false, why: error.message, again: false };
  }
}
