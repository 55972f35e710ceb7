// The log of a function: one JSON object a line, made of fields that we choose. What looks like a credential never gets into it.
import { Logger } from '@aws-lambda-powertools/logger';
import { HoldfastError } from '../errors.ts';
import { withoutSecrets } from './without-secrets.ts';

/** What can be logged: never an event, a response or an error as it came, for nobody knows what they hold. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** The log of one invocation. */
export function logOf(functionName: string, requestId: string): Log {
  const logger = new Logger({
    serviceName: functionName,
    persistentKeys: { requestId },
  });
  return {
    info: (message, fields = {}) => logger.info(message, clean(fields)),
    warn: (message, fields = {}) => logger.warn(message, clean(fields)),
    error: (message, fields = {}) => logger.error(message, clean(fields)),
  };
}

/** An error as fields: its words without what looks like a credential, and of its causes the names alone. */
export function errorFields(error: unknown): LogFields {
  if (error instanceof HoldfastError) {
    const { code, message, hint } = error;
    return { code, problem: withoutSecrets(message), hint, causes: causesOf(error) };
  }
  if (!(error instanceof Error)) return { code: 'UNEXPECTED', problem: typeof error };
  return {
    code: 'UNEXPECTED',
    problem: withoutSecrets(`${error.name}: ${error.message}`),
    causes: causesOf(error),
    stack: withoutSecrets(error.stack ?? ''),
  };
}

const MAX_CAUSES = 5;

function causesOf(error: Error): string[] {
  const names: string[] = [];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    names.push(typeof code === 'string' ? `${cause.name} ${code}` : cause.name);
    if (names.length === MAX_CAUSES) break;
  }
  return names;
}

function clean(fields: LogFields): Record<string, unknown> {
  const text = JSON.stringify(fields, (_key, value: unknown) =>
    typeof value === 'string' ? withoutSecrets(value) : value,
  );
  return JSON.parse(text) as Record<string, unknown>;
}
