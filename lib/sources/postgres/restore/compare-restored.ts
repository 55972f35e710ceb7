// Compares what a restore has made with the backup: facts and properties of a whole database, or the definitions and rows of some tables.
import type { Problem } from '../../../errors.ts';
import type { OpenBackup, RestoreToServiceInput } from '../../source.ts';
import { failedChecks, runChecks } from '../proof/checks.ts';
import { compareFacts, type CompareInput } from '../proof/compare-facts.ts';
import type { Definition } from '../dump/definitions.ts';
import type { StoredText } from '../dump/reader.ts';
import {
  differingProperties,
  isChosen,
  readProperties,
  type Property,
} from '../dump/properties.ts';
import type { DatabaseSession } from '../server/session.ts';
import { absentBeside, compareTables } from './compare-tables.ts';
import type { TableParts } from './table-objects.ts';

/** What was restored. */
export interface Restored {
  /** Undefined for a whole database. */
  readonly parts: TableParts | undefined;
  readonly properties: readonly Property[];
  readonly definitions?: readonly Definition[];
  readonly sameMajor: boolean;
}

type CompareRestored = CompareInput &
  Pick<RestoreToServiceInput, 'owners' | 'privileges' | 'checks'> & {
    readonly session: DatabaseSession;
    readonly text: StoredText;
    readonly signal: AbortSignal | undefined;
  };

/** What is other than in the backup, and what is only written otherwise. What was not to be restored does not count. */
export async function compareRestored(
  backup: OpenBackup,
  restored: Restored,
  input: CompareRestored,
): Promise<{ differences: readonly Problem[]; notes: readonly Problem[] }> {
  const found =
    restored.parts === undefined
      ? { differences: await differingFacts(backup, restored, input), notes: [] }
      : await differingTables(backup, restored, input);
  const asked = failedChecks(await runChecks(input.checks, input));
  return { ...found, differences: [...found.differences, ...asked] };
}

async function differingTables(
  backup: OpenBackup,
  { parts, definitions = [] }: Restored,
  input: CompareRestored,
): Promise<{ differences: readonly Problem[]; notes: readonly Problem[] }> {
  const { owners = true, privileges = true, session } = input;
  const tables = parts?.tables ?? [];
  const compared = await compareTables(backup, definitions, {
    ...{ ...input, owners, privileges, tables },
  });
  const absent = await absentBeside(session, definitions);
  return { ...compared, differences: [...compared.differences, ...absent] };
}

async function differingFacts(
  backup: OpenBackup,
  { properties, sameMajor }: Restored,
  { session, owners = true, privileges = true }: CompareRestored,
): Promise<Problem[]> {
  const { problems } = await compareFacts(backup, session, { sameMajor });
  // Privileges are counted by who is no owner.
  const facts = problems.filter(
    ({ path }) =>
      (privileges || path !== 'number of defaultGrants') &&
      ((owners && privileges) || !path.startsWith('number of grants')),
  );
  if (properties.length === 0) return facts;
  const choice = { owners, privileges };
  const found = (await readProperties(session)).filter((one) => isChosen(one, choice));
  const detail = 'the database has another than the one that was backed up';
  const others = differingProperties(properties, found).map((path) => ({
    ...{ path, code: 'property', detail },
  }));
  return [...facts, ...others];
}
