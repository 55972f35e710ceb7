// Which selection of the configuration a resource belongs to, or a plan that restores for a test. Pure.
import type { RecoveryPointsConfig, SelectionConfig } from '../config/recovery-points.ts';
import { testPlanName } from '../names/recovery-points.ts';
import { parseResource } from '../names/resources.ts';

/** The selection that names or expects a resource; else the first that selects its kind by tags. Undefined for what none selects. */
export function selectionOf(
  resource: string,
  { selections }: RecoveryPointsConfig,
): SelectionConfig | undefined {
  const named = selections.find(({ expected }) => expected.arns?.includes(resource) === true);
  if (named !== undefined) return named;
  const kind = parseResource(resource)?.kind;
  return selections.find(
    ({ expected, kinds }) =>
      expected.arns === undefined && kind !== undefined && kinds.includes(kind),
  );
}

/** The selection whose own plan restored for a test; undefined for a plan of anybody else. */
export function selectionOfPlan(
  plan: string | undefined,
  system: string,
  { selections }: RecoveryPointsConfig,
): SelectionConfig | undefined {
  // AWS Backup appends an id to the name.
  const name = /:restore-testing-plan:(\w+)(-[0-9a-f-]{36})?$/.exec(plan ?? '')?.[1];
  return selections.find((one) => testPlanName(system, one.name) === name);
}
