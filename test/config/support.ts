// What the tests of the configuration share: a context to check texts in.
import { checkText } from '../../lib/config/rules/check.ts';
import type { CheckContext, Checked } from '../../lib/config/rules/check.ts';
import { EXAMPLE_PUBLIC_KEY } from '../../lib/config/schema/example.ts';
import { formatFault } from '../../lib/config/rules/faults.ts';

export const CONTEXT: CheckContext = {
  file: '/srv/site/holdfast.yaml',
  shownAs: 'holdfast.yaml',
  folder: '/srv/site',
  home: '/home/me',
  now: new Date('2026-01-15T12:00:00Z'),
  override: undefined,
};

export function check(text: string, context: Partial<CheckContext> = {}): Checked {
  return checkText(text, { ...CONTEXT, ...context });
}

/** The faults of a text, as people read them. */
export function faultsOf(text: string, context: Partial<CheckContext> = {}): string[] {
  return check(text, context).faults.map(formatFault);
}

/** A valid configuration with `source` as the options of its only source, in flow style, and `rest` after it. */
export function withSource(source: string, rest = ''): string {
  const comma = source === '' ? '' : ', ';
  return `version: 1
system: my-site
store: ./backups
signing: { key: 'file:~/.config/holdfast/my-site.key' }
trust: [{ name: laptop, publicKey: ${EXAMPLE_PUBLIC_KEY}, prefixes: [backups/] }]
sources:
  site: { kind: files, path: .${comma}${source} }
${rest}`;
}
