// Tells a pasted secret from an ordinary value, so that a configuration holds references only and no message repeats a secret.

const SECRET_SHAPES: readonly { readonly what: string; readonly shape: RegExp }[] = [
  { what: 'a private key', shape: /-----BEGIN [A-Z0-9 ]*PRIVATE KEY/ },
  { what: 'a URL with a password', shape: /\b[a-z][a-z0-9+.-]*:\/\/[^\s/@:]*:[^\s/@]+@/i },
  { what: 'an AWS access key', shape: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/ },
  {
    what: 'a GitHub token',
    shape: /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})/,
  },
  { what: 'a Slack token', shape: /\bxox[abeprs]-[A-Za-z0-9-]{10,}/ },
  { what: 'a Stripe key', shape: /\b[rs]k_live_[A-Za-z0-9]{10,}/ },
  {
    what: 'a password',
    shape: /\b\w*(?:password|passwd|secret|token|api_?key)\w*\s*=\s*(?!\s|\$)\S+/i,
  },
];

/** What kind of secret `text` seems to hold, in words, or undefined when it looks harmless. References are harmless. */
export function secretIn(text: string): string | undefined {
  return SECRET_SHAPES.find(({ shape }) => shape.test(text))?.what;
}
