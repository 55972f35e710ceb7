// Whether a store has been told to let go of an object that it still lists.
import type { S3Store } from './s3/store.ts';
import type { Store } from './store.ts';

/** Whether an object waits to be deleted because it was released; undefined for a store that deletes at once. */
export function releasedTags(store: Store): ((key: string) => Promise<boolean>) | undefined {
  const { isReleased } = store as Partial<S3Store>;
  return isReleased && ((key) => isReleased.call(store, key));
}
