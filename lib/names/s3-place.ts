// Where a store is on S3, as a URL: `s3://bucket/prefix?region=eu-central-1&account=123456789012`. Pure, and without the SDK.
import { HoldfastError } from '../errors.ts';

/**
 * How uploads are checked by the server: by the CRC-32 of each part and of the whole, by those of the parts alone, or by the
 * signature of each request alone.
 */
export type S3Checksums = 'full-object' | 'part' | 'none';

/** A bucket at a prefix, and what its server is like. */
export interface S3Place {
  readonly bucket: string;
  /** Every key of the store stands below it. Empty, or ends in a slash. */
  readonly prefix: string;
  /** Undefined for that of the environment or the profile. */
  readonly region: string | undefined;
  /** The origin of a server that is not AWS; undefined for AWS. */
  readonly endpoint: string | undefined;
  /** Twelve digits: the account that must own the bucket; undefined for any. */
  readonly account: string | undefined;
  /** Whether the bucket stands in the path of requests, not in the name of the host. */
  readonly pathStyle: boolean;
  readonly checksums: S3Checksums;
  /**
   * Whether the bucket keeps versions. Without them nothing hidden can be found again, and what is released is deleted at once, as
   * in a folder.
   */
  readonly versions: boolean;
  /** The KMS key that new objects name; undefined for whatever the bucket does by default. */
  readonly kmsKey: string | undefined;
}

/** How a URL of a bucket looks, for people. */
export const S3_URL_FORM = 's3://BUCKET/PREFIX?region=REGION';

const URL_SHAPE = /^s3:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?(#.*)?$/i;
const BUCKET = /^[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]$/;
// The same as a part of a key: what stands in front of keys must be as harmless as they are.
const PREFIX_PART = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/;
// An S3 key has at most 1,024 bytes, and 800 of them are the store's own.
const PREFIX_CHARACTERS = 224;

interface Parameter {
  readonly allowed: RegExp;
  /** What is allowed, in words. */
  readonly as: string;
}

const PARAMETERS = {
  region: { allowed: /^[a-z0-9-]{1,32}$/, as: 'a region such as eu-central-1' },
  endpoint: { allowed: /^https?:\/\/./, as: 'the http:// or https:// origin of a server' },
  account: { allowed: /^[0-9]{12}$/, as: 'the twelve digits of an account' },
  style: { allowed: /^(path|host)$/, as: 'path or host' },
  checksums: { allowed: /^(full-object|part|none)$/, as: 'full-object, part or none' },
  versions: { allowed: /^(on|off)$/, as: 'on or off' },
  'kms-key': { allowed: /^[A-Za-z0-9:/_-]{1,2048}$/, as: 'the ARN or id of a KMS key' },
} as const satisfies Record<string, Parameter>;
type ParameterName = keyof typeof PARAMETERS;
type Values = Partial<Record<ParameterName, string>>;

/** The place that `url` names. `USAGE` when it names none, or holds credentials; the message repeats nothing that may be secret. */
export function parseS3Url(url: string): S3Place {
  const [, host = '', path = '', query = '', fragment] = URL_SHAPE.exec(url) ?? [];
  if (host.includes('@')) throw holdsCredentials();
  if (!/^s3:\/\//i.test(url) || fragment !== undefined) {
    throw refusal('a store on S3 is named as s3://bucket/prefix, without a fragment');
  }
  if (!BUCKET.test(host)) {
    throw refusal(
      `${JSON.stringify(host.slice(0, 80))} is no name of a bucket: 3 to 63 lower case letters, digits, dots and hyphens`,
    );
  }
  const values = valuesOf(query);
  const endpoint = values.endpoint && originOf(values.endpoint);
  return {
    bucket: host,
    prefix: prefixOf(path),
    region: values.region,
    endpoint,
    account: values.account,
    pathStyle: values.style === undefined ? endpoint !== undefined : values.style === 'path',
    checksums: (values.checksums ?? 'full-object') as S3Checksums,
    versions: values.versions !== 'off',
    kmsKey: values['kms-key'],
  };
}

/** The URL from which {@link parseS3Url} makes the same place. It holds what differs from the defaults. */
export function formatS3Url(place: S3Place): string {
  const { region, endpoint, account, checksums, kmsKey } = place;
  const values: Values = {
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(account !== undefined && { account }),
    ...(place.pathStyle !== (endpoint !== undefined) && {
      style: place.pathStyle ? 'path' : 'host',
    }),
    ...(checksums !== 'full-object' && { checksums }),
    ...(!place.versions && { versions: 'off' }),
    ...(kmsKey !== undefined && { 'kms-key': kmsKey }),
  };
  const query = Object.entries(values).map(([name, value]) => `${name}=${encoded(value)}`);
  const base = `s3://${place.bucket}/${place.prefix.replace(/\/$/, '')}`.replace(/\/$/, '');
  return query.length === 0 ? base : `${base}?${query.join('&')}`;
}

function prefixOf(path: string): string {
  const trimmed = path.replace(/^\//, '').replace(/\/$/, '');
  if (trimmed === '') return '';
  const legal = trimmed.length < PREFIX_CHARACTERS && trimmed.split('/').every(isPrefixPart);
  if (!legal) {
    throw refusal(
      `the prefix ${JSON.stringify(trimmed.slice(0, 80))} holds something else than letters, digits and "._-" between slashes`,
      `Parts must not be empty or begin with a dot, and a prefix has at most ${PREFIX_CHARACTERS - 1} characters.`,
    );
  }
  return `${trimmed}/`;
}

function isPrefixPart(part: string): boolean {
  return PREFIX_PART.test(part);
}

function valuesOf(query: string): Values {
  const values: Values = {};
  for (const [name, value] of new URLSearchParams(query)) {
    if (!isParameter(name)) throw unknownParameter(name);
    const { allowed, as } = PARAMETERS[name];
    if (values[name] !== undefined) throw refusal(`the option "${name}" is given twice`);
    if (!allowed.test(value)) throw refusal(`the option "${name}" must be ${as}`);
    values[name] = value;
  }
  return values;
}

function isParameter(name: string): name is ParameterName {
  return Object.hasOwn(PARAMETERS, name);
}

function unknownParameter(name: string): HoldfastError {
  if (/key|secret|token|password|signature|credential/i.test(name)) return holdsCredentials();
  const shown = /^[a-z-]{1,20}$/.test(name) ? `"${name}"` : 'of this name';
  return refusal(
    `there is no option ${shown}`,
    `Options are ${Object.keys(PARAMETERS).join(', ')}.`,
  );
}

function originOf(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined) throw refusal(`the option "endpoint" must be ${PARAMETERS.endpoint.as}`);
  if (url.username !== '' || url.password !== '') throw holdsCredentials();
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw refusal('the option "endpoint" must end after the host and its port');
  }
  return url.origin;
}

function encoded(value: string): string {
  return encodeURIComponent(value).replaceAll('%3A', ':').replaceAll('%2F', '/');
}

function holdsCredentials(): HoldfastError {
  return refusal(
    'a URL of a store holds no credentials',
    'Give them as AWS tools take them: a role, a profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment.',
  );
}

function refusal(
  what: string,
  hint = 'Give a URL such as s3://bucket/prefix?region=eu-central-1&account=123456789012.',
): HoldfastError {
  return new HoldfastError('USAGE', `the store's URL is refused: ${what}`, { hint });
}
