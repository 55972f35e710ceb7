// Recovery points as `status` shows them: of each resource that is expected, the newest one that counts and its last test.
import type { Config } from '../../config/config.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Status } from '../../engine/status.ts';
import { displayText } from '../../format/paths.ts';
import type { Finding } from '../../policy/conditions/table.ts';
import type { ListedPoint } from '../../recovery-points/listed.ts';
import type { Terminal } from '../output/terminal.ts';
import { ageText, table } from '../output/units.ts';
import { readPoints, shortName } from './list.ts';
import { selectionsOf } from './selections.ts';

/** How a resource that AWS Backup protects stands. */
export interface ResourceShown {
  readonly selection: string;
  readonly resource: string;
  /** By the judgment that alarms go by; undefined where AWS Backup did not answer. */
  readonly verdict: Status['verdict'] | undefined;
  readonly findings: readonly Finding[];
  /** The newest recovery point that counts; undefined where none is known. */
  readonly newest: ListedPoint | undefined;
  /** The newest one that was tested. */
  readonly tested: ListedPoint | undefined;
  /** Any moment until a few minutes ago can be restored. */
  readonly continuous: boolean;
}

export interface ResourcesShown {
  readonly resources: readonly ResourceShown[];
  /** Why AWS Backup did not answer. */
  readonly unasked: string | undefined;
}

const COUNTS: readonly string[] = ['good', 'recorded'];

/** Each resource that a selection expects, or of which it has recovery points; undefined without selections. */
export async function resourcesShown(
  engine: Engine,
  config: Config | undefined,
  { names, status }: { names: readonly string[]; status: Status },
): Promise<ResourcesShown | undefined> {
  const listed = await readPoints(engine, config, names);
  if (listed === undefined) return undefined;
  const { points, unasked } = listed;
  const judged = status.recoveryPoints?.resources ?? [];
  const wanted = selectionsOf(config).filter(
    ({ name }) => names.length === 0 || names.includes(name),
  );
  const resources = wanted.flatMap(({ name, expected }) => {
    const own = points.filter(({ selection }) => selection === name);
    const findings = judged.filter(({ selection }) => selection === name);
    const known = [
      ...(expected.arns ?? []),
      ...findings.map((one) => one.resource),
      ...own.map((one) => one.resource),
    ];
    return [...new Set(known)].map((resource) => {
      const of = own.filter((one) => one.resource === resource);
      const said = findings.find((one) => one.resource === resource);
      return {
        selection: name,
        resource,
        verdict: said?.verdict,
        findings: said?.findings ?? [],
        newest: of.findLast(({ standing }) => COUNTS.includes(standing)),
        tested: of.findLast(({ test }) => test !== undefined),
        continuous: of.some(({ standing }) => standing === 'continuous'),
      };
    });
  });
  return { resources, unasked };
}

/** One line for each resource with what is wrong with it, and why AWS Backup did not answer. */
export function sayResources(
  terminal: Terminal,
  { resources, unasked }: ResourcesShown,
  now: Date,
): void {
  terminal.line();
  terminal.line('recovery points of AWS Backup');
  const rows = table(resources.map((one) => rowOf(one, now)));
  for (const [index, line] of rows.entries()) {
    terminal.line(`  ${line}`);
    for (const { severity, code, detail } of resources[index]?.findings ?? [])
      terminal.line(`    ${severity}: ${code}: ${displayText(detail)}`);
  }
  if (unasked !== undefined) {
    terminal.note(`AWS Backup was not asked, and this is what the store has recorded: ${unasked}`);
  }
}

function rowOf(shown: ResourceShown, now: Date): string[] {
  const { selection, resource, verdict, newest, tested, continuous } = shown;
  const any = continuous ? 'continuous, ' : '';
  const made = newest === undefined ? 'none is known' : `${ageText(new Date(newest.at), now)} old`;
  const test = tested?.test;
  const said =
    test === undefined ? 'never tested' : `${test.verdict} ${ageText(new Date(test.at), now)} ago`;
  const word = verdict?.toUpperCase() ?? 'NOT JUDGED';
  return [word, selection, displayText(shortName(resource)), `${any}newest: ${made}`, said];
}
