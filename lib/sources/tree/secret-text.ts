// Secrets that stand in the clear in a text. Results name the kind of a secret and never quote it.

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
  /^[$%{<[*.]|EXAMPLE|^(?:x{3,}|\.{3,}|user|pass|passwd|password|pwd|secret|token|changeme|change-me|example|postgres|root|admin|your[-_].*|my[-_]?(?:password|secret|pass)|password_here|put your .*|null|none|undefined|true|false|ENC\[.*)(?:$|[?#])/i;

/**
 * The kind of secret that stands in the clear in a file, or undefined. Placeholders such as `${TOKEN}`, `user:password@` and
 * AWS's example keys are none.
 *
 * @param bytes - a file, or its head; looked at as far as `SECRET_SCAN_BYTES`
 */
export function secretInText(bytes: Uint8Array): string | undefined {
  const text = textOf(bytes);
  return CONTENTS.find((content) => holds(text, content.pattern))?.kind;
}

function holds(text: string, pattern: RegExp): boolean {
  const all = pattern.global ? pattern : new RegExp(pattern, `g${pattern.flags}`);
  for (const match of text.matchAll(all)) {
    const value = match.groups?.['value'];
    if (value === undefined || !PLACEHOLDER.test(value)) return true;
  }
  return false;
}

// Names under which settings keep what nobody else may know. Counted repetitions only, as above.
const SECRET_NAME =
  '[\\w.-]{0,60}(?:passw(?:or)?d|passphrase|secret(?:_?key)?|token|api_?key|access_?key|auth_?key|private_?key|encryption_?key|master_?key|credentials?|_salt|_dsn)(?:_?base)?(?:_?[0-9])?';
const ASSIGNED: readonly RegExp[] = [
  // JSON, YAML, PHP, Python and others, in quotes; PHP has constants, too.
  new RegExp(
    `["']?\\b${SECRET_NAME}["']?\\s{0,8}(?:=>|[=:,])\\s{0,8}(["'])(?<value>[^"'\\s]{6,200})\\1`,
    'gi',
  ),
  /define\(\s{0,4}["'][A-Z_]{0,30}(?:PASSWORD|_KEY|_SALT)["'],\s{0,4}(["'])(?<value>[^\n]{6,200}?)\1\s{0,4}\)/g,
];
const ASSIGNED_BARE = new RegExp(
  `^[ \\t]{0,40}(?:export |- )?${SECRET_NAME}[ \\t]{0,8}[=:][ \\t]{0,8}(?<value>[^\\s"'#,;()]{6,200})[ \\t]{0,8}\\r?$`,
  'gim',
);

/**
 * The kind of secret that a file of settings keeps in the clear, or undefined: what `secretInText` finds, and values that are given to
 * names such as `password` or `apiKey`.
 *
 * @param bare - whether values may stand without quotes, as in YAML and shell scripts; in program code these are expressions
 */
export function secretInSettings(bytes: Uint8Array, bare: boolean): string | undefined {
  const known = secretInText(bytes);
  if (known !== undefined) return known;
  const text = textOf(bytes);
  const patterns = bare ? [...ASSIGNED, ASSIGNED_BARE] : ASSIGNED;
  return patterns.some((pattern) => holds(text, pattern)) ? 'password or token' : undefined;
}

// By the conventions of Next.js, Vite, Create React App, Gatsby, Astro, SvelteKit, Nuxt, Expo, Vue and Storybook these reach every browser.
const PUBLIC_NAME =
  /^(?:NEXT_PUBLIC_|VITE_|REACT_APP_|GATSBY_|PUBLIC_|NUXT_PUBLIC_|EXPO_PUBLIC_|VUE_APP_|STORYBOOK_)/;
/** Settings that every framework has, and that tell nobody anything. */
const HARMLESS_NAME =
  /^(?:NODE_ENV|APP_ENV|ENV|PORT|HOST|HOSTNAME|TZ|LANG|LOG_LEVEL|DEBUG|CI|BROWSER|FLASK_[A-Z_]{1,40}|GENERATE_SOURCEMAP|NODE_OPTIONS|[A-Z_]{0,40}TELEMETRY_DISABLED)$/;

/** What certainly stands for a value that is filled in elsewhere; a password may well begin with a dollar sign. */
const FILLED_IN_ELSEWHERE =
  /^(?:|\$\{[^}]*\}|<[^>]*>|\{\{.*\}\}|x{3,}|change-?_?me|your[-_].*|example|placeholder|todo|none|null|true|false)$/i;

/**
 * Whether a file of environment variables holds nothing but what is public: names that frameworks give to browsers or that tell nothing, and
 * empty values and placeholders. A line that is not one of these makes it false.
 */
export function isPublicEnvironment(bytes: Uint8Array): boolean {
  const text = textOf(bytes);
  if (text.includes('\0') || secretInText(bytes) !== undefined) return false;
  return text
    .replace(/^\xef\xbb\xbf/, '')
    .split(/\r?\n/)
    .every((line) => {
      const bare = line.trim();
      if (bare === '' || bare.startsWith('#')) return true;
      const [, name, value = ''] = /^(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(bare) ?? [];
      // A command of direnv's, or a line of a value that began above.
      if (name === undefined) return !bare.includes('=');
      const given = value.replace(/^(["'])(.*)\1$/, '$2');
      return PUBLIC_NAME.test(name) || HARMLESS_NAME.test(name) || FILLED_IN_ELSEWHERE.test(given);
    });
}

/** Whether a file gives any value that is no placeholder to any name. */
export function assignsAnything(bytes: Uint8Array): boolean {
  const lines = textOf(bytes)
    // Encrypted by sops.
    .replace(/ENC\[[^\]\n]*\]/g, '')
    .matchAll(/["']?[\w.-]{1,80}["']?[ \t]{0,8}[=:][ \t]{0,8}(?<value>[^\s,{[][^\n,]{0,200})/g);
  for (const { groups } of lines) {
    const given = (groups?.['value'] ?? '').trim().replace(/^(["'])(.*)\1$/, '$2');
    if (!FILLED_IN_ELSEWHERE.test(given) && given !== '|' && given !== '>') return true;
  }
  return false;
}

// SSH's and PuTTY's, and PEM; with a password or without.
const KEY_TEXT =
  /PRIVATE KEY|^PuTTY-User-Key-File-|^-----BEGIN OpenVPN Static key|^AGE-SECRET-KEY-|^untrusted comment: .{0,80}secret key/m;
/** What tools write who make a key and nothing else: hex, base64, or a word of that sort, on one line. */
const KEY_WORD = /^\s*[A-Za-z0-9+/_=-]{16,512}\s*$/;
const MAX_RAW_KEY_BYTES = 512;

/**
 * Whether what a file holds is a key: in one of the forms that tools write, in DER, or a few bytes that are no text.
 *
 * @param whole - whether the bytes are all of the file
 */
export function isKey(bytes: Uint8Array, whole: boolean): boolean {
  const text = textOf(bytes);
  if (KEY_TEXT.test(text)) return true;
  if (bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x81 && (bytes[1] ?? 0) <= 0x83) return true;
  if (!whole || bytes.length > MAX_RAW_KEY_BYTES || bytes.length < 16) return false;
  return (
    KEY_WORD.test(text) || (/[^\t\n\r\x20-\x7e\x80-\xff]/.test(text) && !text.startsWith('PK'))
  );
}

function textOf(bytes: Uint8Array): string {
  const head = bytes.subarray(0, SECRET_SCAN_BYTES);
  return Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
}
