// What a process has read of incidents already. Records never change, so that a function which is woken every minute reads each once.
import type { Checkpoint } from '../../format/incident.ts';
import type { TrustedKey } from '../../format/signed.ts';
import type { IncidentEvent } from '../../policy/incidents/state.ts';
import type { Store, StoredObject } from '../../stores/store.ts';

interface Remembered {
  /** By whose signatures the rest was believed. */
  readonly trusted: readonly TrustedKey[];
  readonly events: Map<string, IncidentEvent>;
  checkpoint: { readonly key: string; readonly checkpoint: Checkpoint } | undefined;
}

/** More than any number of open incidents has. */
const MOST_EVENTS = 20_000;

const BY_STORE = new WeakMap<Store, Remembered>();

/** What is remembered of the store, as far as the same keys vouch for it; it forgets when there is too much. */
export function rememberedOf({
  store,
  trusted,
}: {
  readonly store: Store;
  readonly trusted: readonly TrustedKey[];
}): Remembered {
  const known = BY_STORE.get(store);
  if (known?.trusted === trusted && known.events.size < MOST_EVENTS) return known;
  const fresh = { trusted, events: new Map<string, IncidentEvent>(), checkpoint: undefined };
  BY_STORE.set(store, fresh);
  return fresh;
}

/** Which bytes an object has: another version under its key is another object. */
export function identityOf({ key, bytes, storedAt }: StoredObject): string {
  return `${key} ${bytes} ${storedAt.getTime()}`;
}
