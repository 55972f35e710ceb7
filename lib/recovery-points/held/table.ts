// What a table of DynamoDB holds: its shape, how many items, and a sample of them. Of a live table, and of one that was restored.
import { createHash } from 'node:crypto';
import {
  DescribeTableCommand,
  GetItemCommand,
  ScanCommand,
  type AttributeValue,
  type DynamoDBClient,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import { awsError } from '../../aws/errors.ts';
import { awsFailure, mayPass } from '../../aws/failure.ts';
import { HoldfastError } from '../../errors.ts';
import { persist } from '../../network/persist.ts';
import type { ItemKey } from './held.ts';

export interface TablePlace {
  readonly client: DynamoDBClient;
  /** Its ARN: a name alone would be one of this account and region. */
  readonly table: string;
  readonly signal: AbortSignal | undefined;
}

type Item = Readonly<Record<string, AttributeValue>>;

/** What DynamoDB says of a table. */
export interface TableShape {
  readonly keys: readonly string[];
  /** Names of the attributes of its key. */
  readonly keyNames: readonly string[];
  readonly indexes: readonly string[];
  /** Up to six hours old. */
  readonly items: number;
  readonly bytes: number;
  /** Undefined where reads are paid one by one. */
  readonly readUnits: number | undefined;
}

const ATTEMPTS = 8;
const PAUSE_MS = 100;

/** The shape of a table. `STORE_DENIED` when it is absent or refused, else as all calls of AWS fail. */
export async function shapeOf(place: TablePlace): Promise<TableShape> {
  const { Table = {} } = await asked(place, 'cannot be described', (options) =>
    place.client.send(new DescribeTableCommand({ TableName: place.table }), options),
  );
  const types = new Map(
    Table.AttributeDefinitions?.map((one) => [one.AttributeName, one.AttributeType]),
  );
  const partsOf = (schema: TableDescription['KeySchema']) =>
    (schema ?? []).map(
      ({ AttributeName: name = '', KeyType = '' }) => `${name} ${KeyType} ${types.get(name) ?? ''}`,
    );
  const indexes = [
    ...(Table.GlobalSecondaryIndexes ?? []).map((one) => ({ ...one, scope: 'global' })),
    ...(Table.LocalSecondaryIndexes ?? []).map((one) => ({ ...one, scope: 'local' })),
  ].map(({ scope, IndexName = '', KeySchema, Projection = {} }) => {
    const attributes = [...(Projection.NonKeyAttributes ?? [])].sort();
    const projection = [Projection.ProjectionType ?? '', ...attributes].join(' ');
    return `${scope} ${IndexName}: ${partsOf(KeySchema).join(', ')}; ${projection}`;
  });
  const { ReadCapacityUnits: units = 0 } = Table.ProvisionedThroughput ?? {};
  return {
    keys: partsOf(Table.KeySchema),
    keyNames: (Table.KeySchema ?? []).map(({ AttributeName = '' }) => AttributeName),
    indexes: indexes.sort(),
    items: Table.ItemCount ?? 0,
    bytes: Table.TableSizeBytes ?? 0,
    readUnits: units > 0 ? units : undefined,
  };
}

/** Half a unit reads so much. */
const BYTES_PER_UNIT = 8192;
/** Counting may read 1 GiB where each read is paid; where reads are provisioned, what a minute of them gives. */
const MOST_UNITS = 131_072;
const SECONDS_OF_UNITS = 60;

/** Whether a live table can be counted without taking from its users what they need. */
export function mayCount({ bytes, readUnits }: TableShape): boolean {
  const most = readUnits === undefined ? MOST_UNITS : readUnits * SECONDS_OF_UNITS;
  return bytes / BYTES_PER_UNIT <= most;
}

/** How many items there are: every page is asked for. */
export async function countItems(place: TablePlace): Promise<number> {
  let count = 0;
  let from: Item | undefined;
  do {
    const input = { TableName: place.table, Select: 'COUNT' as const };
    const page = await scan(place, { ...input, ...(from && { ExclusiveStartKey: from }) });
    count += page.Count ?? 0;
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return count;
}

/** Items of a few stretches that are spread over the table: the same ones each time, and others that `random` chooses. */
export async function sampleItems(
  place: TablePlace,
  { items }: TableShape,
  random: () => string,
): Promise<Item[]> {
  const stretches = Math.min(MOST_STRETCHES, Math.max(STRETCHES, Math.ceil(items / PER_STRETCH)));
  const chance = Array.from({ length: STRETCHES }, () =>
    Math.floor(Number.parseInt(random().slice(0, 8), 16) % stretches),
  );
  const found: Item[] = [];
  for (let index = 0; index < STRETCHES; index++) {
    found.push(...(await firstOf(place, STRETCHES, index)));
  }
  for (const index of new Set(chance)) found.push(...(await firstOf(place, stretches, index)));
  return found;
}

const STRETCHES = 8;
const PER_STRETCH = 4;
/** DynamoDB takes no more. */
const MOST_STRETCHES = 1_000_000;

async function firstOf(place: TablePlace, all: number, index: number): Promise<readonly Item[]> {
  const { Items = [] } = await scan(place, {
    TableName: place.table,
    TotalSegments: all,
    Segment: index,
    Limit: PER_STRETCH,
  });
  return Items;
}

/** The item of that key; undefined where there is none. */
export async function readItem(place: TablePlace, key: ItemKey): Promise<Item | undefined> {
  const Key = Object.fromEntries(
    Object.entries(key).map(([name, value]): [string, AttributeValue] => [
      name,
      'B' in value ? { B: Buffer.from(value.B, 'base64') } : (value as AttributeValue),
    ]),
  );
  const { Item } = await asked(place, 'cannot be read', (options) =>
    place.client.send(new GetItemCommand({ TableName: place.table, Key }), options),
  );
  return Item;
}

/** The key of an item, or undefined for one that is too long to be kept in a record. */
export function keyOf(item: Item, names: readonly string[]): ItemKey | undefined {
  const key: ItemKey = {};
  for (const name of names) {
    const { S, N, B } = (item[name] ?? {}) as { S?: string; N?: string; B?: Uint8Array };
    if (S !== undefined) key[name] = { S };
    else if (N !== undefined) key[name] = { N };
    else if (B !== undefined) key[name] = { B: Buffer.from(B).toString('base64') };
    else return undefined;
  }
  return JSON.stringify(key).length > MOST_KEY ? undefined : key;
}

const MOST_KEY = 512;

/** The SHA-256 of all that an item holds, whatever order it came in. */
export function digestOf(item: Item): string {
  return createHash('sha256')
    .update(JSON.stringify(plain({ M: item })))
    .digest('hex');
}

/** A value with everything in an order of its own; sets have none. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]) => {
      const inside = plain(inner);
      const isSet = SETS.has(name) && Array.isArray(inside);
      return [name, isSet ? inside.map(String).sort() : inside];
    });
}

/** An attribute may have such a name, and is an object then. */
const SETS: ReadonlySet<string> = new Set(['SS', 'NS', 'BS']);

function scan(place: TablePlace, input: ConstructorParameters<typeof ScanCommand>[0]) {
  return asked(place, 'cannot be read', (options) =>
    place.client.send(new ScanCommand(input), options),
  );
}

async function asked<T>(
  { table, signal }: TablePlace,
  doing: string,
  ask: (options: { abortSignal?: AbortSignal }) => Promise<T>,
): Promise<T> {
  try {
    return await persist(() => ask(signal === undefined ? {} : { abortSignal: signal }), {
      signal,
      again: (error, attempt) => {
        const failure = awsFailure(error);
        const passes = failure !== undefined && (mayPass(failure) || failure.name === THROTTLED);
        return passes && attempt < ATTEMPTS ? PAUSE_MS * 2 ** attempt : undefined;
      },
    });
  } catch (error) {
    if (signal?.aborted === true) {
      throw new HoldfastError('CANCELLED', `the look at ${table} was interrupted`, {
        cause: error,
      });
    }
    throw awsError(error, { thing: `the table ${table}`, doing });
  }
}

const THROTTLED = 'ProvisionedThroughputExceededException';
