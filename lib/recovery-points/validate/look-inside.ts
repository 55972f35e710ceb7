// A look inside whatever was restored, by its kind.
import type { Held } from '../held/held.ts';
import { lookAtBucket } from './look-at-bucket.ts';
import { lookAtTable } from './look-at-table.ts';
import { doubtful, restoredOnly, type Look, type Lookers, type Restored } from './look.ts';

/** Looks at what was restored. Errors as the looks of each kind have them. */
export async function lookInside(restored: Restored, lookers: Lookers): Promise<Look> {
  const { held, name } = restored;
  switch (name.kind) {
    case 'dynamodb':
      return held?.kind === name.kind
        ? lookAtTable(held, restored, lookers)
        : unrecorded(restored, held);
    case 's3':
      return held?.kind === name.kind
        ? lookAtBucket(held, restored, lookers)
        : unrecorded(restored, held);
    case 'aurora':
    case 'rds': {
      const { postgres } = restored.selection.restoreTest;
      if (postgres === undefined) return restoredOnly();
      if (lookers.databases === undefined) throw new TypeError('nothing here looks into databases');
      return lookers.databases(restored, postgres);
    }
    case 'ebs':
    case 'efs':
      return restoredOnly();
  }
}

function unrecorded({ unrecorded: why }: Restored, held: Held | undefined): Look {
  const detail = held === undefined ? (why ?? '') : 'something of another kind was recorded';
  return doubtful('unrecorded', `it is not known what it held: ${detail}`);
}
