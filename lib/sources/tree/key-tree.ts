// Makes a tree of keys: which of them are selected, and the folders that they imply. Memory follows the depth, not the number.
import { toMatchText } from '../../format/paths.ts';
import type { Scope, Selector } from './select.ts';

interface Folder {
  /** Ends in a slash; empty for the root. */
  readonly path: string;
  /** Undefined for a folder that is left out with all that it holds. */
  readonly scope: Scope | undefined;
  /** True until it has been given out, which happens when something below it is taken. */
  pending: boolean;
}

/** Goes through keys in ascending order. Paths are byte strings. */
export class KeyTree {
  private readonly stack: Folder[];
  private readonly missing: Set<string>;

  constructor(selector: Selector) {
    this.stack = [{ path: '', scope: selector.open(), pending: false }];
    this.missing = new Set(selector.explicitPaths);
  }

  /** What the next key adds: folders first, then itself; nothing when it is not selected. A key that ends in a slash is a folder. */
  next(key: string): string[] {
    const added = this.enterFolders(key);
    const name = key.slice(key.lastIndexOf('/') + 1);
    if (name === '' || this.top.scope?.select(name, false) !== 'take') return added;
    this.missing.delete(toMatchText(key));
    return [...added, ...this.given(), key];
  }

  /** What the selection names exactly and no key was: text. */
  get explicitMissing(): readonly string[] {
    return [...this.missing];
  }

  private get top(): Folder {
    const folder = this.stack.at(-1);
    if (folder === undefined) throw new Error('the root is never left');
    return folder;
  }

  /** Leaves folders and enters others, until the key's own is on top; gives the new ones that are taken as such. */
  private enterFolders(key: string): string[] {
    while (!key.startsWith(this.top.path)) this.stack.pop();
    const added: string[] = [];
    for (;;) {
      const { path, scope } = this.top;
      const slash = key.indexOf('/', path.length);
      if (slash < 0 || scope === undefined) return added;
      const name = key.slice(path.length, slash);
      const below = key.slice(0, slash + 1);
      const selection = scope.select(name, true);
      const left = selection === 'skip';
      this.stack.push({ path: below, scope: left ? undefined : scope.enter(name), pending: !left });
      if (left) return added;
      this.missing.delete(toMatchText(below.slice(0, -1)));
      if (selection === 'take') added.push(...this.given());
    }
  }

  /** The folders on the way that were not given out yet. */
  private given(): string[] {
    const pending = this.stack.filter((folder) => folder.pending);
    for (const folder of pending) folder.pending = false;
    return pending.map(({ path }) => path);
  }
}
