// The version of this Holdfast, and the oldest Node that runs it; tests hold both against package.json.

export const VERSION = '0.1.0';

const OLDEST_NODE = [22, 15] as const;

/** What to do where the Node of a site, or of the machine, is too old: npx takes the one of the site. */
export const NODE_ADVICE =
  'In the folder of the site, `npm install --save-dev node@22` brings a Node that `npx holdfast` uses.';

/** What is said to somebody whose Node is too old to run Holdfast; undefined for one that runs it. `version` is such as `22.15.0`. */
export function nodeRefusal(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldest, least] = OLDEST_NODE;
  if (major > oldest || (major === oldest && minor >= least)) return undefined;
  return `Holdfast needs Node ${OLDEST_NODE.join('.')} or newer, this is ${version}`;
}
