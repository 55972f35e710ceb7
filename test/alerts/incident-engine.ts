// As much of an engine as incidents need, with a key that may vouch for them.
import type { Engine } from '../../lib/engine/engine.ts';
import { localSigner, type TrustedKey } from '../../lib/format/signed.ts';
import type { Store } from '../../lib/stores/store.ts';
import { stackSender } from '../../lib/alerts/sender.ts';
import { makeKeys, trust } from '../support/engine.ts';

const KEYS = makeKeys();
/** What messages say of where they come from. */
export const SENDER = stackSender('shop', 'arn:aws:kms:eu-central-1:123456789012:key/1');
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
