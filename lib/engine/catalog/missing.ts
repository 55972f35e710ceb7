// Backups that should be there and are not: the store's own records name them, and nobody has released them.
import type { Problem } from '../../errors.ts';
import { manifestKey } from '../../format/layout.ts';
import { DAY_MS } from '../../durations.ts';
import type { Engine } from '../engine.ts';
import { listStored } from './backups.ts';
import { releasedIn, type PruneFacts } from './prune-facts.ts';
import { readRecords } from './records.ts';
import type { Survey } from './survey.ts';

/** How long after its release a store may still list a backup, and somebody may prove it. */
const RELEASE_LOOK_BACK_MS = 90 * DAY_MS;

/**
 * The backups that the last prune kept, that it carried forward as missing, or that were proven since, and that are gone: not released by
 * us, and not accepted as lost.
 *
 * What the records name is forgotten only with the records: who deletes them as well is not noticed.
 */
export async function missingBackups(
  engine: Engine,
  survey: Survey,
  last: PruneFacts | undefined,
): Promise<Problem[]> {
  const { source, backups, problems } = survey;
  const named = [...(last?.missing ?? []), ...(last?.kept ?? [])];
  const known = new Set([...backups.map(({ id }) => id), ...named]);
  const expected = new Set([...named, ...(await provenAndGone(engine, { source, known, last }))]);
  // By the very key: a broken record about a backup must not hide that the backup is gone.
  const unreadable = new Set(problems.map(({ path }) => path));
  const present = new Set(backups.map(({ id }) => id));
  const gone = [...expected].filter(
    (id) => !present.has(id) && !unreadable.has(manifestKey(source, id)),
  );
  if (gone.length === 0) return [];
  // A run may have made it and recorded it after the survey began.
  const now = await presentNow(engine, source);
  return gone
    .filter((id) => !now.has(id))
    .toSorted()
    .map((id) => ({ path: `${source}/${id}`, code: 'missing', detail: GONE }));
}

/** The same whatever names it: what is told must not change from one look to the next. */
const GONE = 'a record names this backup, nobody has released it, and it is gone';

async function presentNow(engine: Engine, source: string): Promise<ReadonlySet<string>> {
  const stored = await listStored(engine, source);
  return new Set(stored.filter(({ manifest }) => manifest !== undefined).map(({ id }) => id));
}

interface Proofs {
  readonly source: string;
  /** The ids about which nothing has to be found out. */
  readonly known: ReadonlySet<string>;
  readonly last: PruneFacts | undefined;
}

/** What no prune has seen, and a trusted key has looked at since the last one. */
async function provenAndGone(engine: Engine, { source, known, last }: Proofs): Promise<string[]> {
  const except = new Set([...known, ...(last === undefined ? [] : namesOf(last))]);
  const since = last && { since: last.at };
  const proofs = await readRecords(engine, 'verify', source, {
    ...{ except, onProblem: () => undefined },
    ...since,
  });
  const ids = proofs.flatMap(({ record, distrust }) =>
    distrust === undefined ? [record.subject] : [],
  );
  if (ids.length === 0) return [];
  const lookBack = last && new Date(last.at.getTime() - RELEASE_LOOK_BACK_MS);
  const released = await releasedIn(engine, source, lookBack);
  // While a record of a prune cannot be read, nobody knows what was released.
  if (released === undefined) return [];
  return [...new Set(ids)].filter((id) => !released.has(id));
}

function namesOf({ released, accepted }: PruneFacts): string[] {
  return [...released.map(({ id }) => id), ...accepted];
}
