// One alert for an event, however often it comes. Every alert is delivered at least once; a duplicate is better than a miss.
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError } from '../errors.ts';
import type { Store } from '../stores/store.ts';
import { incidentKey } from '../format/layout.ts';

/** Under which key an event is known. */
export interface Occurrence {
  /** Letters, digits, hyphens. */
  readonly incident: string;
  /** The number of the event in its incident, and a word for it. */
  readonly sequence: number;
  readonly event: string;
  /** What is kept of it. */
  readonly content: Readonly<Record<string, unknown>>;
}

export interface Telling {
  /** Undefined when it cannot be opened: then nobody knows what was told before. */
  readonly store: Store | undefined;
  readonly tell: () => Promise<void>;
  /** What stood in the way of knowing. */
  readonly onTrouble: (error: HoldfastError) => void;
  /** How long another run that took on the same event is waited for. @default 5_000 */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 5_000;
const POLL_MS = 250;

/** `already` when another run has told it. Throws what `tell` throws: then nobody was told. */
export async function tellOnce(
  occurrence: Occurrence,
  { store, tell, onTrouble, patienceMs = PATIENCE_MS }: Telling,
): Promise<'told' | 'already'> {
  const { incident, sequence, event, content } = occurrence;
  const toldKey = incidentKey(incident, sequence + 1, 'told');
  const attempt = async <T>(act: (open: Store) => Promise<T>): Promise<T | undefined> => {
    if (store === undefined) return undefined;
    try {
      return await act(store);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      onTrouble(error);
      return undefined;
    }
  };
  const isTold = () => attempt(async (open) => (await open.head(toldKey)) !== undefined);
  if ((await isTold()) === true) return 'already';
  const bytes = Buffer.from(`${JSON.stringify(content)}\n`);
  const claimed = await attempt((open) =>
    putIfAbsent(open, incidentKey(incident, sequence, event), bytes),
  );
  // Whoever was first tells it, unless it died over that.
  for (let waited = 0; claimed === false && waited < patienceMs; waited += POLL_MS) {
    await sleep(POLL_MS);
    if ((await isTold()) === true) return 'already';
  }
  await tell();
  await attempt((open) => putIfAbsent(open, toldKey, bytes));
  return 'told';
}

async function putIfAbsent(store: Store, key: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await store.put(key, bytes);
    return true;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'STORE_CONFLICT') return false;
    throw error;
  }
}
