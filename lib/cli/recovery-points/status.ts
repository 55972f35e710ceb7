// Recovery points as `status` shows them: of each resource that is expected, the newest one that counts and its last test.
import type { Config } from '../../config/config.ts';
import { displayText } from '../../format/paths.ts';
import type { ListedPoint } from '../../recovery-points/listed.ts';
import type { Terminal } from '../output/terminal.ts';
import { ageText, table } from '../output/units.ts';
import { shortName, type ListedPoints } from './list.ts';
import { selectionsOf } from './selections.ts';

/** How a resource that AWS Backup protects stands. */
export interface ResourceShown {
  readonly selection: string;
  readonly resource: string;
  /** The newest recovery point that counts; undefined where none is known. */
  readonly newest: ListedPoint | undefined;
  /** The newest one that was tested. */
  readonly tested: ListedPoint | undefined;
  /** Any moment until a few minutes ago can be restored. */
  readonly continuous: boolean;
}

const COUNTS: readonly string[] = ['good', 'recorded'];

/** Each resource that a selection expects, or of which it has recovery points. */
export function resourcesShown(config: Config, { points }: ListedPoints): ResourceShown[] {
  return selectionsOf(config).flatMap(({ name, expected }) => {
    const own = points.filter(({ selection }) => selection === name);
    const resources = new Set([...(expected.arns ?? []), ...own.map((one) => one.resource)]);
    return [...resources].map((resource) => {
      const of = own.filter((one) => one.resource === resource);
      return {
        selection: name,
        resource,
        newest: of.findLast(({ standing }) => COUNTS.includes(standing)),
        tested: of.findLast(({ test }) => test !== undefined),
        continuous: of.some(({ standing }) => standing === 'continuous'),
      };
    });
  });
}

/** One line for each resource, and why AWS Backup did not answer. */
export function sayResources(
  terminal: Terminal,
  resources: readonly ResourceShown[],
  { unasked, now }: { unasked: string | undefined; now: Date },
): void {
  terminal.line();
  terminal.line('recovery points of AWS Backup');
  for (const line of table(resources.map((one) => rowOf(one, now)))) terminal.line(`  ${line}`);
  if (unasked !== undefined) {
    terminal.note(`AWS Backup was not asked, and this is what the store has recorded: ${unasked}`);
  }
}

function rowOf(shown: ResourceShown, now: Date): string[] {
  const { selection, resource, newest, tested, continuous } = shown;
  const any = continuous ? 'continuous, ' : '';
  const made = newest === undefined ? 'none is known' : `${ageText(new Date(newest.at), now)} old`;
  const test = tested?.test;
  const said =
    test === undefined ? 'never tested' : `${test.verdict} ${ageText(new Date(test.at), now)} ago`;
  return [selection, displayText(shortName(resource)), `${any}newest: ${made}`, said];
}
