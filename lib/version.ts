// The version of this Holdfast, and the oldest Node that runs it; tests hold both against package.json.

export const VERSION = '0.1.0';

const OLDEST_NODE = [22, 15] as const;

/** What is said to somebody whose Node is too old to run Holdfast; undefined for one that runs it. `version` is such as `22.15.0`. */
export function nodeRefusal(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldest, least] = OLDEST_NODE;
  if (major > oldest || (major === oldest && minor >= least)) return undefined;
  return `Holdfast needs Node ${OLDEST_NODE.join('.')} or newer, this is ${version}`;
}
