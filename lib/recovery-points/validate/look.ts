// What looks at something that was restored for a test, whatever its kind.
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { S3Client } from '@aws-sdk/client-s3';
import type { DatabaseTestConfig, SelectionConfig } from '../../config/recovery-points.ts';
import type { Facts } from '../../format/record.ts';
import type { ResourceName } from '../../names/resources.ts';
import type { Comparison, Held } from '../held/held.ts';

/** How deep a look went. `restored`: AWS Backup has restored it, and nobody has looked inside. */
export type Level = 'content' | 'restored';

export interface Look extends Comparison {
  /** `restored` for kinds into which nobody looks; undefined where nothing was found out. */
  readonly level: Level | undefined;
  readonly facts: Facts;
}

/** A look that found out nothing. */
export function doubtful(code: string, detail: string, path = ''): Look {
  return { damage: [], doubt: [{ path, code, detail }], noted: [], level: undefined, facts: {} };
}

/** A look at something of which it is known that it was restored, and no more. */
export function restoredOnly(why?: string): Look {
  const detail = `restored, content not proven${why === undefined ? '' : `: ${why}`}`;
  return { ...doubtful('content', detail), level: 'restored' };
}

/** What there is to look at. */
export interface Restored {
  /** The ARN of what was restored. */
  readonly arn: string;
  readonly name: ResourceName;
  /** What was recorded when its recovery point was made. */
  readonly held: Held | undefined;
  /** Why nothing was. */
  readonly unrecorded: string | undefined;
  readonly selection: SelectionConfig;
  /** When the restore had ended. */
  readonly since: Date;
  readonly signal: AbortSignal | undefined;
}

/** What looks are taken with. */
export interface Lookers {
  readonly dynamoDb: DynamoDBClient;
  readonly s3: S3Client;
  /** Looks into databases, where there are the programs and the network for that. */
  readonly databases?: (restored: Restored, look: DatabaseTestConfig) => Promise<Look>;
}
