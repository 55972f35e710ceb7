// As much of an engine as incidents need, with a key that may vouch for them.
import type { Engine } from '../../lib/engine/engine.ts';
import { localSigner, type TrustedKey } from '../../lib/format/signed.ts';
import type { Store } from '../../lib/stores/store.ts';
import { makeKeys, trust } from '../support/engine.ts';

const KEYS = makeKeys();
let names = 0;

/** Works on `store` by the clock `now`; `trusted` are further keys. */
export function incidentEngine(
  store: Store,
  now: () => Date,
  { keys = KEYS, trusted = [] }: { keys?: typeof KEYS; trusted?: readonly TrustedKey[] } = {},
): Engine {
  return {
    system: 'shop',
    store,
    signer: localSigner(keys.privateKey),
    trusted: [trust(KEYS, ['incidents/']), ...trusted],
    trustAnyone: false,
    who: 'me@host',
    signal: undefined,
    onProgress: undefined,
    now,
    random: () => String((names += 1)).padStart(16, '0'),
  } as unknown as Engine;
}

export { KEYS as INCIDENT_KEYS };
