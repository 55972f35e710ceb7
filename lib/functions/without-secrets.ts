// What no log and no message of a function may hold, taken out of text that others wrote. Pure.

// Ids of keys and what a presigned URL ends in, tokens of GitHub, and PEM blocks.
const SECRETS = [
  /(?:X-Amz-|[?&](?:AWSAccessKeyId|Signature|Expires|token)=)[^\s"'<>]*/gi,
  /\b(?:AKIA|ASIA)[0-9A-Z]{12,}\b/g,
  /\b(?:gh[pousr]_|github_pat_)\w{16,}/g,
  /\b(?:Bearer|Basic|token)\s+(?=[\w.~+/=-]*\d)[\w.~+/=-]{12,}/gi,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /(https?:\/\/)[^\s/@:]+:[^\s/@]+@/gi,
];

/** `text` with whatever looks like a credential replaced. */
export function withoutSecrets(text: string): string {
  return SECRETS.reduce((cleaned, pattern) => cleaned.replace(pattern, '[removed]'), text);
}
