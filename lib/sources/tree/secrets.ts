// Files that hold secrets: by name, and where a name does not tell, by content. Some are left out of a backup, others are taken and noted.
// Results name the kind of a secret and never quote it.
import {
  assignsAnything,
  isKey,
  isPublicEnvironment,
  secretInSettings,
  secretInText,
} from './secret-text.ts';

/** What is said of a file that holds, or may hold, a secret. */
export interface SecretFinding {
  /** What it holds, such as `a private key`. */
  readonly reason: string;
  /**
   * True for files that exist to keep a secret. What is needed to run a site and merely has a password in it, such as `wp-config.php`,
   * is taken: without it a restore would bring back no site.
   */
  readonly leaveOut: boolean;
}

/** The head of a file, and whether that is all of it; undefined when it cannot be read. */
export type ReadHead = (maxBytes: number) => { bytes: Uint8Array; whole: boolean } | undefined;

/** What a name says: that it is a secret in any case, or how its content decides. */
interface Rule {
  readonly names: RegExp;
  readonly reason: string;
  readonly decides: 'name' | 'environment' | 'key' | 'values' | 'text' | 'settings';
}

// Names in lower case, without what editors and people append to copies. The first rule that matches decides.
const RULES: readonly Rule[] = [
  {
    names:
      /^\.env(?:rc|[._-].+)?$|\.env(?:[._-][\w-]+)?$|^\.dev\.vars(?:\..+)?$|^\.flaskenv$|^env\.(?!(?:json|ya?ml|toml)$)[\w-]+$/,
    reason: 'environment variables',
    decides: 'environment',
  },
  { names: /^id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?$/, reason: 'a private key', decides: 'name' },
  {
    names: /^(?:\.vault-token|\.vault_pass(?:\.txt)?|master\.key)$/,
    reason: 'a master key or token',
    decides: 'name',
  },
  { names: /\.(?:key|p8|ppk)$/, reason: 'a private key', decides: 'key' },
  { names: /\.(?:p12|pfx|jks|keystore|bks|kdbx)$/, reason: 'a store of keys', decides: 'name' },
  {
    names: /^(?:\.netrc|_netrc|\.pgpass|pgpass\.conf|\.my\.cnf|\.pypirc|\.git-credentials)$/,
    reason: 'passwords',
    decides: 'name',
  },
  { names: /^\.htpasswd$/, reason: 'password hashes', decides: 'name' },
  {
    names:
      /^(?:service[-_]?account.*|credentials|client_secret.*|application_default_credentials)\.json$/,
    reason: 'cloud credentials',
    decides: 'values',
  },
  {
    names: /^(?:secrets?|credentials)\.(?:ya?ml|json|toml|ini)$/,
    reason: 'secrets',
    decides: 'values',
  },
  {
    names: /\.tfstate(?:\.backup)?$|\.tfvars$/,
    reason: 'Terraform values in the clear',
    decides: 'name',
  },
  {
    names: /^(?:\.s3cfg|\.boto|\.dockercfg|\.terraformrc)$/,
    reason: 'cloud credentials',
    decides: 'name',
  },
  // Settings that may carry a token, and PEM files, which may be nothing but certificates.
  {
    names: /^(?:\.npmrc|\.yarnrc|\.yarnrc\.yml|\.condarc|pip\.conf|\.gitconfig)$|\.pem$/,
    reason: '',
    decides: 'text',
  },
  // What frameworks and content management systems call the files in which the password of the database stands.
  {
    names:
      /^(?:wp-config.*|configuration|localsettings|settings(?:\..+)?|env|config\.inc|parameters|database|local-config|app|config|db|connection|credentials)\.php$|^(?:[\w.-]*config[\w.-]*|[\w.-]*settings[\w.-]*|parameters|database|application[\w.-]*|appsettings[\w.-]*|secrets?[\w.-]+|docker-compose[\w.-]*|compose|auth|mail|db|env)\.(?:json|ya?ml|toml|ini|conf|cfg|cnf|properties)$|^[\w.-]*(?:config|settings)[\w.-]*\.py$|^[\w.-]*(?:deploy|release|publish|backup|secret|credential|env)[\w.-]*\.sh$|^\.ftpconfig$|^(?:sftp|ftp)[\w.-]*\.json$/,
    reason: '',
    decides: 'settings',
  },
];

// Ordinary names that are secret only where they are.
const PLACES: ReadonlyMap<string, RegExp> = new Map([
  ['credentials', /(?:^|\/)\.aws\/credentials$/],
  ['config', /(?:^|\/)\.kube\/config$/],
  ['config.json', /(?:^|\/)\.docker\/config\.json$/],
  ['credentials.toml', /(?:^|\/)\.cargo\/credentials\.toml$/],
  ['hosts.yml', /(?:^|\/)(?:gh|hub)\/hosts\.yml$/],
]);

// One expression rules out nearly every file of a tree, so that a million names cost little.
const ANY_NAME = new RegExp(RULES.map(({ names }) => names.source).join('|'));

/** What editors, and people who are careful, append to the name of a copy. */
const COPY =
  /(?:~|\.(?:bak|backup|old|orig|original|save|saved|swp|swo|tmp|temp|copy|rej|disabled|off|prev|[0-9]{1,14})|[-_. ]copy)$/;
// Templates of a secret file hold its shape only.
const TEMPLATE =
  /\.(?:example|sample|template|dist|tmpl|tpl|schema)$|^(?:example|sample|template)\.env$/;
/** Program code and its declarations, prose, styles: never a file of variables, whatever comes before. */
const CODE =
  /\.(?:[cm]?[jt]sx?|d\.ts|php|rb|py|go|rs|java|p[lm]|lua|exs?|[ch]|cc|[ch]pp|cs|kt|swift|scala|dart|hs|sql|md|mdx|html?|css|scss|vue|svelte)$/;

const PUBLIC_KEY = /(?:^|[._-])pub(?:lic)?[._-]/;

/** Variables in a file that is larger are not looked at: it is left out. */
const MAX_ENVIRONMENT_BYTES = 64 * 1024;
/** How much of a file decides whether it is a key. */
const KEY_BYTES = 1024;
/** Settings have their passwords near the beginning; comments may come first. */
const MAX_SETTINGS_BYTES = 64 * 1024;
const SECRET_SCAN_BYTES = 1024 * 1024;

/**
 * What is to be said of a file, or undefined for all that holds no secret. Case does not matter.
 *
 * Certificates (`*.crt`, `*.pub`) and templates (`.env.example`) hold none. Content is asked for only where the name leaves it open; who
 * cannot read it gets what the name says.
 *
 * @param path - relative to the source, as a byte string
 */
export function findSecret(path: string, readHead: ReadHead): SecretFinding | undefined {
  const whole = path.toLowerCase();
  const name = whole.slice(whole.lastIndexOf('/') + 1);
  if (PLACES.get(name)?.test(whole) === true) {
    return { reason: 'credentials of a tool', leaveOut: true };
  }
  const rule = ruleOf(name);
  return rule && DECIDE[rule.decides](name, readHead, rule.reason);
}

function ruleOf(name: string): Rule | undefined {
  const original = originalOf(name);
  if (!ANY_NAME.test(original) || TEMPLATE.test(original)) return undefined;
  return RULES.find(
    ({ names, decides }) =>
      names.test(original) && !(decides === 'environment' && CODE.test(original)),
  );
}

/** The name of what a file is a copy of: `.env~`, `.env.bak`, `#.env#`, `.wp-config.php.swp`. */
function originalOf(name: string): string {
  let bare = name.replace(/^#(.+)#$/, '$1').replace(/^\.#(?=.)/, '');
  for (
    let next = bare.replace(COPY, '');
    next !== bare && next !== '';
    next = bare.replace(COPY, '')
  ) {
    bare = next;
  }
  return /\.sw[op]$/.test(name) ? bare.replace(/^\.(?=[^.]+\.(?:php|ya?ml|json)$)/, '') : bare;
}

type Decide = (name: string, readHead: ReadHead, reason: string) => SecretFinding | undefined;

const DECIDE: Readonly<Record<Rule['decides'], Decide>> = {
  name: (_, _readHead, reason) => ({ reason, leaveOut: true }),
  environment: (name, readHead, reason) => {
    const head = readHead(MAX_ENVIRONMENT_BYTES);
    const harmless = head?.whole === true && isHarmlessEnvironment(name, head.bytes);
    return harmless ? undefined : { reason, leaveOut: true };
  },
  key: (name, readHead, reason) => {
    const head = readHead(KEY_BYTES);
    const secret = head === undefined || isKey(head.bytes, head.whole && !PUBLIC_KEY.test(name));
    return secret ? { reason, leaveOut: true } : undefined;
  },
  values: (_, readHead, reason) => {
    const head = readHead(MAX_SETTINGS_BYTES);
    const secret = head?.whole !== true || assignsAnything(head.bytes);
    return secret ? { reason, leaveOut: true } : undefined;
  },
  text: (_, readHead) => {
    // Who cannot read it finds that when it is archived.
    const head = readHead(SECRET_SCAN_BYTES);
    const kind = head && secretInText(head.bytes);
    return kind === undefined ? undefined : { reason: withArticle(kind), leaveOut: true };
  },
  settings: (name, readHead) => {
    const head = readHead(MAX_SETTINGS_BYTES);
    const bare = !/\.(?:php|py|json)/.test(name);
    const kind = head && secretInSettings(head.bytes, bare);
    return kind === undefined ? undefined : { reason: withArticle(kind), leaveOut: false };
  },
};

function withArticle(kind: string): string {
  return `${/^(?:AWS|npm)/.test(kind) ? 'an' : 'a'} ${kind}`;
}

/** `env.local` may be anything; only what has the form of variables is taken for such. */
function isHarmlessEnvironment(name: string, bytes: Uint8Array): boolean {
  if (/\.(?:json|ya?ml|toml)$/.test(name)) return !assignsAnything(bytes);
  if (
    name.startsWith('env.') &&
    !/[A-Za-z_]\w*[ \t]*=/.test(Buffer.from(bytes).toString('latin1'))
  ) {
    return true;
  }
  return isPublicEnvironment(bytes);
}
