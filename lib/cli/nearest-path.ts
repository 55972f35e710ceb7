// The path that somebody may have meant: the same in other letters, the same name elsewhere, or one that is nearly spelled so.
import { distance } from '../config/nearest.ts';

const MAX_EDITS = 3;

/** Looks at the paths of a listing one by one, and keeps the nearest to any of `wanted`. */
export class NearestPath {
  private readonly wanted: readonly { readonly text: string; readonly parts: readonly string[] }[];
  private best: { readonly path: string; readonly distance: number } | undefined;

  constructor(wanted: readonly string[]) {
    this.wanted = wanted
      .filter((one) => one !== '')
      .map((one) => ({ text: plain(one), parts: plain(one).split('/') }));
  }

  look(path: string): void {
    const text = plain(path);
    for (const one of this.wanted) {
      const distance = distanceOf(one.text, one.parts, text);
      if (distance === undefined || distance >= (this.best?.distance ?? Infinity)) continue;
      this.best = { path, distance };
    }
  }

  /** Undefined when nothing is near. */
  get found(): string | undefined {
    return this.best?.path;
  }
}

function plain(path: string): string {
  return path.normalize('NFC').toLowerCase();
}

/** 0 for the same in other letters, 1 to 3 edits, then the same name in another folder. */
function distanceOf(
  wanted: string,
  wantedParts: readonly string[],
  path: string,
): number | undefined {
  if (path === wanted) return 0;
  const parts = path.split('/');
  const last = wantedParts.at(-1) ?? '';
  const elsewhere = parts.at(-1) === last ? MAX_EDITS + 1 + parts.length : undefined;
  if (parts.length !== wantedParts.length) return elsewhere;
  let edits = 0;
  for (const [i, part] of parts.entries()) {
    edits += editsBetween(wantedParts[i] ?? '', part);
    if (edits > MAX_EDITS) return elsewhere;
  }
  return edits;
}

/** More than `MAX_EDITS` when a third of the word would not stay. */
function editsBetween(a: string, b: string): number {
  if (a === b) return 0;
  const most = Math.min(MAX_EDITS, Math.ceil(Math.max(a.length, b.length) / 3));
  if (Math.abs(a.length - b.length) > most) return MAX_EDITS + 1;
  const edits = distance(a, b);
  return edits > most ? MAX_EDITS + 1 : edits;
}
