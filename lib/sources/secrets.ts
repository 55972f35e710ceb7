// Files that hold secrets: by name, before a backup takes them; by content, where a restored tree would leave them in the open.
// Results name the kind of a secret and never quote it.

// Templates of a secret file hold its shape only.
const TEMPLATE = /\.(?:example|sample|template|dist|tmpl|tpl)$/;

const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^\.env(?:rc|\..+)?$|\.env$/, 'environment variables'],
  [/\.(?:pem|key|p8|ppk)$|^id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?$/, 'a private key'],
  [/\.(?:p12|pfx|jks|keystore|bks|kdbx)$/, 'a store of keys'],
  [/^(?:\.netrc|_netrc|\.pgpass|pgpass\.conf|\.my\.cnf|\.pypirc|\.git-credentials)$/, 'passwords'],
  [/^\.htpasswd$/, 'password hashes'],
  [
    /^(?:service[-_]?account.*|credentials|client_secret.*|application_default_credentials)\.json$/,
    'cloud credentials',
  ],
  [/^(?:secrets?|credentials)\.(?:ya?ml|json|toml|ini|env)$/, 'secrets'],
  [/\.tfstate(?:\.backup)?$|\.tfvars$/, 'Terraform values in the clear'],
  [/^(?:\.vault-token|\.vault_pass(?:\.txt)?|master\.key)$/, 'a master key or token'],
  [/^(?:\.s3cfg|\.boto|\.dockercfg|\.terraformrc)$/, 'cloud credentials'],
];

// Ordinary names that are secret only where they are.
const PLACES: ReadonlyMap<string, RegExp> = new Map([
  ['credentials', /(?:^|\/)\.(?:aws|cargo|gem)\/credentials$/],
  ['config', /(?:^|\/)\.kube\/config$/],
  ['config.json', /(?:^|\/)\.docker\/config\.json$/],
  ['credentials.toml', /(?:^|\/)\.cargo\/credentials\.toml$/],
  ['hosts.yml', /(?:^|\/)(?:gh|hub)\/hosts\.yml$/],
]);

// One expression rules out nearly every file of a tree, so that a million names cost little.
const ANY_NAME = new RegExp(NAMES.map(([pattern]) => pattern.source).join('|'));

/**
 * Why a file should be left out of backups, judged by its name alone, or undefined. Case does not matter.
 *
 * Certificates (`*.crt`, `*.pub`) and templates (`.env.example`) are none. `.npmrc` and its like are none by name, since most hold
 * settings only: `contentDecides` says so.
 *
 * @param path - relative to the source, as a byte string
 */
export function looksLikeSecret(path: string): string | undefined {
  const whole = path.toLowerCase();
  const name = whole.slice(whole.lastIndexOf('/') + 1);
  if (PLACES.get(name)?.test(whole) === true) return 'credentials of a tool';
  if (!ANY_NAME.test(name) || TEMPLATE.test(name)) return undefined;
  if (/^(?:example|sample|template)\.env$/.test(name)) return undefined;
  return NAMES.find(([pattern]) => pattern.test(name))?.[1];
}

/**
 * Whether only the content tells if this file holds a secret: settings that may carry a token, and PEM files, which may be nothing but
 * certificates. Who can read the file asks `secretInText` and lets that decide, whatever the name says.
 */
export function contentDecides(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  return /^(?:\.npmrc|\.yarnrc|\.yarnrc\.yml|\.condarc|pip\.conf|\.gitconfig)$|\.pem$/.test(name);
}

/** How much of a file `secretInText` looks at. */
export const SECRET_SCAN_BYTES = 1024 * 1024;

interface Content {
  readonly kind: string;
  /** `value`, when the pattern has such a group, is what must not be a placeholder. */
  readonly pattern: RegExp;
}

// Counted repetitions only: the texts are not ours, and no input may make an expression run away.
const CONTENTS: readonly Content[] = [
  {
    // With key material behind it: code that merely looks for the header is no secret. JSON spells line ends as "\n".
    kind: 'private key',
    pattern:
      /-----BEGIN (?:[A-Z0-9]{1,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\r|\\n){1,8}(?:[A-Za-z-]{1,30}: [^\n\\]{0,200}(?:\n|\\r\\n|\\n)(?:\s|\\r|\\n){0,4}){0,6}[A-Za-z0-9+/=]{16}/,
  },
  {
    kind: 'AWS secret access key',
    pattern:
      /(?:aws_?)?secret_?access_?key["']?\s{0,8}[=:]\s{0,8}["']?(?<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/i,
  },
  {
    kind: 'GitHub token',
    pattern: /\b(?<value>gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})\b/,
  },
  { kind: 'GitLab token', pattern: /\b(?<value>glpat-[A-Za-z0-9_-]{20,64})\b/ },
  { kind: 'Slack token', pattern: /\b(?<value>xox[abeoprs]-[A-Za-z0-9-]{20,255})\b/ },
  {
    kind: 'Slack webhook',
    pattern:
      /https:\/\/hooks\.slack\.com\/services\/T[A-Z0-9]{6,12}\/B[A-Z0-9]{6,12}\/(?<value>[A-Za-z0-9]{20,32})/,
  },
  { kind: 'Stripe key', pattern: /\b(?<value>(?:sk|rk)_live_[A-Za-z0-9]{20,255})\b/ },
  { kind: 'npm token', pattern: /\b(?<value>npm_[A-Za-z0-9]{36})\b/ },
  {
    kind: 'npm token',
    pattern: /_(?:authToken|auth|password)\s{0,4}=\s{0,4}["']?(?<value>[^\s"']{8,2048})/,
  },
  { kind: 'npm token', pattern: /\bnpmAuth(?:Token|Ident):\s{0,4}["']?(?<value>[^\s"']{8,2048})/ },
  {
    // RFC 3986 user information with a password, of protocols that log in to something.
    kind: 'password in a URL',
    pattern:
      /\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|https?|ftps?|smtps?|mssql):\/\/[^\s:/@"'<>]{0,128}:(?<value>[^\s:/@"'<>]{3,256})@/i,
  },
];

// Documentation and defaults: variables to fill in, AWS's own examples, words that stand for a password.
const PLACEHOLDER =
  /^[$%{<[*.]|EXAMPLE|^(?:x{3,}|\.{3,}|user|pass|passwd|password|pwd|secret|token|changeme|change-me|example|postgres|root|admin|your[-_].*|my[-_]?(?:password|secret|pass))(?:$|[?#])/i;

/**
 * The kind of secret that stands in the clear in a file, or undefined. Placeholders such as `${TOKEN}`, `user:password@` and
 * AWS's example keys are none.
 *
 * @param bytes - a file, or its head; looked at as far as `SECRET_SCAN_BYTES`
 */
export function secretInText(bytes: Uint8Array): string | undefined {
  const head = bytes.subarray(0, SECRET_SCAN_BYTES);
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  return CONTENTS.find((content) => holds(text, content.pattern))?.kind;
}

function holds(text: string, pattern: RegExp): boolean {
  for (const match of text.matchAll(new RegExp(pattern, `g${pattern.flags}`))) {
    const value = match.groups?.['value'];
    if (value === undefined || !PLACEHOLDER.test(value)) return true;
  }
  return false;
}
