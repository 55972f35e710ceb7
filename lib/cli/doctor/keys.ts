// What the doctor looks at about keys: can this machine sign, and does its own configuration believe what it signs.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { isPostgres, isRemote, type Config } from '../../config/config.ts';
import { showReference } from '../../config/places.ts';
import { sourcePrefix, recordsPrefix } from '../../format/layout.ts';
import { VERBS } from '../../format/record.ts';
import { signerText, trustedKey } from '../../format/signed.ts';
import { signerFrom } from '../../wiring/keys.ts';
import { failure } from './failure.ts';
import { ok, problem, warning, type DoctorFinding } from './finding.ts';

/** Findings about the signing key and the trusted keys. */
export async function examineKeys(config: Config): Promise<DoctorFinding[]> {
  const { signingKey, trust } = config;
  try {
    const signer = await signerFrom(config);
    if (signer === undefined && config.aws !== undefined && isAllOnAws(config))
      return [ok('key', 'the functions sign; no key is needed here')];
    if (signer === undefined || signingKey === undefined) {
      return [
        warning(
          'key',
          'no key signs here: this machine can restore and verify, not back up',
          'Set `signing.key` where backups are to be made.',
        ),
      ];
    }
    const shown = showReference(signingKey);
    const folder = signingKey.scheme === 'file' ? await folderFindings(signingKey.name) : [];
    const trusted = trust.map((one) => trustedKey(one.name, one.publicKey, one.prefixes));
    const own = trust.filter((_, index) => trusted[index]?.keyId === signer.keyId);
    if (own.length > 0)
      return [
        ok('key', `${shown} signs: ${signerText(signer.keyId, trusted)}`),
        ...folder,
        ...coverage(config, own),
      ];
    return [
      problem(
        'key',
        `${shown} signs, and no key under \`trust\` is its public half`,
        'Add its public half (the .pub file beside it) under `trust`, or name the right key.',
      ),
      ...folder,
    ];
  } catch (error) {
    return [failure('key', error)];
  }
}

/** Whether functions back up everything. */
function isAllOnAws({ sources }: Config): boolean {
  return sources.every((source) => isRemote(source) || isPostgres(source));
}

async function folderFindings(file: string): Promise<DoctorFinding[]> {
  const folder = path.dirname(file);
  const { mode } = await stat(folder);
  if ((mode & 0o022) === 0) return [];
  return [
    problem(
      'key',
      `others may write into ${folder}, and so put another key in the place of this one`,
      `Run: chmod go-w '${folder}'`,
    ),
  ];
}

/** What of all that this machine signs its own configuration would not believe. */
function coverage(config: Config, own: Config['trust']): DoctorFinding[] {
  const prefixes = own.flatMap((one) => one.prefixes);
  const isCovered = (key: string) => prefixes.some((prefix) => key.startsWith(prefix));
  // What functions back up and prove, they sign with keys of their own.
  const onAws = config.aws !== undefined;
  const names = config.sources
    .filter(({ kind }) => !onAws || kind === 'files')
    .map(({ name }) => name);
  const backups = names.map((name) => sourcePrefix(name)).filter((key) => !isCovered(key));
  const records = VERBS.filter((verb) =>
    names.some((name) => !isCovered(recordsPrefix(verb, name))),
  );
  const findings: DoctorFinding[] = [];
  if (backups.length > 0) {
    findings.push(
      problem(
        'key',
        `the key may not vouch for ${backups.join(', ')}: such backups would not count`,
        'Add these prefixes to the key under `trust`, or back those sources up elsewhere.',
      ),
    );
  }
  if (records.length > 0 && !onAws) {
    findings.push(
      warning(
        'key',
        `the key may not vouch for records of ${records.join(', ')}: here they would prove nothing`,
        'Right when another key does that; otherwise add the prefix records/ to this key.',
      ),
    );
  }
  return findings;
}
