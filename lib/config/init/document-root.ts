// Whether a web server hands out what lies in a folder, as far as names tell: a store there could be downloaded by anybody.
import { readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

import { errorCode, isAbsent } from '../error-code.ts';

/** Files that a web server runs, or shows as the first page. */
const ENTRY = /^(?:index\.php|wp-config\.php|wp-login\.php)$/;
const PAGE = /^index\.html?$/;
/** Where these lie, a first page is what a build takes, and another folder is served. */
const SOURCE =
  /^(?:package\.json|composer\.json|Gemfile|manage\.py|pyproject\.toml|_config\.ya?ml|(?:hugo|config)\.(?:toml|ya?ml|json)|[\w.]+\.config\.[cm]?[jt]s|\.eleventy\.js)$/;
const SERVED_NAME = /^(?:public_html|htdocs|httpdocs)$/;

/** True when a folder of this name, with entries of these names, is one that a web server serves. */
function isServed(name: string, entries: readonly string[]): boolean {
  return SERVED_NAME.test(name) || entries.some((one) => ENTRY.test(one));
}

/** True when a first page in a folder is not what a build takes. */
function isPage(entries: readonly string[]): boolean {
  return entries.some((one) => PAGE.test(one)) && !entries.some((one) => SOURCE.test(one));
}

/** The outermost served folder in which `place` lies; undefined where there is none. `place` need not exist. */
export async function documentRootOf(place: string): Promise<string | undefined> {
  let found: string | undefined;
  for (let at = dirname(place); at !== dirname(at); at = dirname(at)) {
    const entries = await namesIn(at);
    // A stray page far above, as in a home folder, says nothing.
    if (isServed(basename(at), entries) || (at === dirname(place) && isPage(entries))) found = at;
  }
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (isAbsent(error) || ['EACCES', 'EPERM'].includes(code)) return [];
    throw error;
  }
}
