// One record of an incident, read and believed only where a trusted key vouches for it.
import { parseIncidentRecord, type IncidentRecord } from '../../format/incident.ts';
import { decodeSigned, signerText } from '../../format/signed.ts';
import type { StoredObject } from '../../stores/store.ts';
import { isUnreadable, readSmall } from '../catalog/backups.ts';
import type { Engine } from '../engine.ts';

/** A record and the name of the key that vouches for it, or what is wrong with it. */
export type ReadIncidentRecord =
  | {
      readonly record: IncidentRecord;
      readonly problem: undefined;
      /** As people know the key. */
      readonly signedBy: string;
      /** As the configuration calls it. */
      readonly keyName: string | undefined;
    }
  | {
      readonly record: undefined;
      readonly problem: { code: string; detail: string };
      readonly signedBy: undefined;
      readonly keyName: undefined;
    };

/** A record of a numbered incident that a trusted key vouches for; otherwise what is wrong with it. */
export async function readIncidentRecord(
  engine: Engine,
  object: StoredObject,
): Promise<ReadIncidentRecord> {
  const { key } = object;
  const failed = (code: string, detail: string): ReadIncidentRecord => ({
    record: undefined,
    problem: { code, detail },
    ...{ signedBy: undefined, keyName: undefined },
  });
  try {
    const { payload, distrust, keyId } = decodeSigned(
      await readSmall(engine, object),
      key,
      engine.trusted,
    );
    if (distrust !== undefined) return failed('untrusted', distrust);
    const record = parseIncidentRecord(payload, key);
    const signer = engine.trusted.find((one) => one.keyId === keyId);
    if (signer?.events?.includes(record.event) === false)
      return failed('untrusted', `the key "${signer.name}" may not vouch for ${record.event}`);
    // Without a configuration, the keys alone decide.
    if (engine.system !== undefined && record.system !== engine.system)
      return failed('untrusted', `it is of the system "${record.system}"`);
    const signedBy = signerText(keyId, engine.trusted);
    return { record, problem: undefined, signedBy, keyName: signer?.name };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return failed('unreadable', error.message);
  }
}
