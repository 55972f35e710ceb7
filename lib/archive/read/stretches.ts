// Cuts the groups of an archive into stretches that are read and handled at once.
import type { IndexGroup } from '../../format/archive-index.ts';

/** Adjacent groups, or one split file. */
export interface Stretch {
  readonly groups: IndexGroup[];
  readonly split: boolean;
  readonly offset: number;
  readonly bytes: number;
  readonly rawBytes: number;
}

const STRETCH_BYTES = 1 << 20;

/** Stretches of about 1 MiB of raw bytes whose groups stand side by side in the artifact; a split file is one of its own. */
export async function* stretches(groups: AsyncIterable<IndexGroup>): AsyncGenerator<Stretch> {
  let current:
    { groups: IndexGroup[]; offset: number; bytes: number; rawBytes: number } | undefined;
  for await (const group of groups) {
    const place = placeOf(group);
    const split = group.members.length > 1;
    const adjacent = current !== undefined && current.offset + current.bytes === place.offset;
    if (
      current !== undefined &&
      (split || !adjacent || current.rawBytes + place.rawBytes > STRETCH_BYTES)
    ) {
      yield { ...current, split: false };
      current = undefined;
    }
    if (split) yield { groups: [group], split, ...place };
    else if (current === undefined) current = { groups: [group], ...place };
    else {
      current.groups.push(group);
      current.bytes += place.bytes;
      current.rawBytes += place.rawBytes;
    }
  }
  if (current !== undefined) yield { ...current, split: false };
}

function placeOf({ members }: IndexGroup): { offset: number; bytes: number; rawBytes: number } {
  let bytes = 0;
  let rawBytes = 0;
  for (const member of members) {
    bytes += member.bytes;
    rawBytes += member.rawBytes;
  }
  return { offset: members[0]?.offset ?? 0, bytes, rawBytes };
}
