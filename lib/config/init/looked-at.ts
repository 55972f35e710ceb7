// What `init` saw in a folder before it draws any conclusion. Pure: types, and questions about names.

/** Names and texts of a folder. Paths are relative, with `/` between their parts and none at the end. */
export interface LookedAt {
  /** In the order in which they were met: what lies higher comes first. */
  readonly files: readonly string[];
  readonly folders: readonly string[];
  /** Links to folders outside of the folder: where they lie, and where they lead, absolute. */
  readonly linksOut: ReadonlyMap<string, string>;
  /** The texts of those files that may say something about the site. They may hold secrets: nothing quotes them. */
  readonly texts: ReadonlyMap<string, string>;
  /** Files that begin as those of SQLite do. */
  readonly sqliteFiles: readonly string[];
}

/** Whether `name` fits `glob`, in which `*` stands for anything. */
export function matchesName(glob: string, name: string): boolean {
  if (!glob.includes('*')) return name === glob;
  const parts = glob.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(name);
}

/** `path` below `folder`, which is empty for the top. */
export function below(folder: string, path: string): string {
  return folder === '' ? path : `${folder}/${path}`;
}

/** The part after the last slash. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The folder in which `path` lies; empty for the top. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Whether something directly in `folder` fits `glob`, or there is such a path below it. */
export function has({ files, folders }: LookedAt, folder: string, glob: string): boolean {
  const place = folderOf(below(folder, glob));
  const name = nameOf(glob);
  const fits = (path: string) => folderOf(path) === place && matchesName(name, nameOf(path));
  return files.some(fits) || folders.some(fits);
}

/** The text of a file that was read. */
export function textAt({ texts }: LookedAt, folder: string, name: string): string | undefined {
  return texts.get(below(folder, name));
}

/** The object in a JSON file; empty for none, and for what is no object: that tells nothing, and is not ours to complain about. */
export function objectAt(
  looked: LookedAt,
  folder: string,
  name: string,
): Readonly<Record<string, unknown>> {
  try {
    return recordOf(JSON.parse((textAt(looked, folder, name) ?? '{}').replace(/^\ufeff/, '')));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** `value` where it is an object; an empty one otherwise. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
