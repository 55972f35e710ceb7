// Managed policies that hold any number of statements: equal ones are merged, and the rest is spread over as many policies as it takes.
import { Stack } from 'aws-cdk-lib';
import { Effect, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { charactersOf, rendererOf } from './limits/rendered.ts';

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
export const MOST_POLICY_CHARACTERS = 6144;
/** So much of a policy is left for its frame, and for names that turn out longer than they were taken for. */
const MOST_OF_STATEMENTS = MOST_POLICY_CHARACTERS - 512;
/** A statement above it is split, so that policies are filled well. */
const MOST_OF_ONE = 2048;

export interface PoliciesProps {
  readonly name: string;
  readonly description: string;
  readonly statements: readonly PolicyStatement[];
}

/** `NAME`, and where that is full `NAME-2` and so on: together they allow what `statements` allow. */
export function managedPolicies(
  scope: Construct,
  id: string,
  { name, description, statements }: PoliciesProps,
): ManagedPolicy[] {
  const render = rendererOf(Stack.of(scope));
  const sizeOf = (statement: PolicyStatement) =>
    charactersOf(render(Stack.of(scope).resolve(statement.toStatementJson()))) + 1;
  const pages: PolicyStatement[][] = [[]];
  let left = MOST_OF_STATEMENTS;
  for (const statement of merged(scope, statements).flatMap((one) => split(one, sizeOf))) {
    const size = sizeOf(statement);
    if (size > left && pages.at(-1)?.length !== 0) {
      pages.push([]);
      left = MOST_OF_STATEMENTS;
    }
    pages.at(-1)?.push(statement);
    left -= size;
  }
  return pages.map((page, index) => {
    const number = index === 0 ? '' : String(index + 1);
    return new ManagedPolicy(scope, `${id}${number}`, {
      managedPolicyName: number === '' ? name : `${name}-${number}`,
      description,
      statements: page,
    });
  });
}

/** Statements that differ in their resources alone, as one each. */
function merged(scope: Construct, statements: readonly PolicyStatement[]): PolicyStatement[] {
  const resources = new Map<string, { of: PolicyStatement; all: Set<string> }>();
  for (const statement of statements) {
    const same = JSON.stringify(
      Stack.of(scope).resolve([statement.effect, statement.actions, statement.conditions]),
    );
    const known = resources.get(same);
    if (known === undefined) {
      resources.set(same, { of: statement, all: new Set(statement.resources) });
    } else {
      for (const one of statement.resources) known.all.add(one);
    }
  }
  return [...resources.values()].map(({ of, all }) => of.copy({ resources: [...all] }));
}

/** Parts of an Allow that allow the same together: halves of its resources, or of the longest list that a condition asks for. */
function split(
  statement: PolicyStatement,
  sizeOf: (statement: PolicyStatement) => number,
): PolicyStatement[] {
  if (sizeOf(statement) <= MOST_OF_ONE) return [statement];
  const halves = halvesOf(statement);
  return halves === undefined ? [statement] : halves.flatMap((half) => split(half, sizeOf));
}

function halvesOf(statement: PolicyStatement): PolicyStatement[] | undefined {
  const { resources } = statement;
  // What is denied, or asks for what is not in a list, would mean something else in halves.
  const isSplittable = (operator: string) =>
    statement.effect === Effect.ALLOW && !operator.includes('Not');
  const lists = Object.entries(statement.conditions as Conditions).flatMap(([operator, keys]) =>
    Object.entries(isSplittable(operator) ? keys : {}).flatMap(([key, values]) =>
      Array.isArray(values) ? [{ operator, key, values: values as string[] }] : [],
    ),
  );
  const longest = lists.toSorted((a, b) => b.values.length - a.values.length)[0];
  if (longest !== undefined && longest.values.length > Math.max(1, resources.length)) {
    const { operator, key, values } = longest;
    return inHalves(values).map((half) => {
      const conditions = statement.conditions as Conditions;
      return statement.copy({
        conditions: { ...conditions, [operator]: { ...conditions[operator], [key]: half } },
      });
    });
  }
  if (resources.length < 2) return undefined;
  return inHalves(resources).map((half) => statement.copy({ resources: half }));
}

type Conditions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function inHalves<T>(all: readonly T[]): T[][] {
  const middle = Math.ceil(all.length / 2);
  return [all.slice(0, middle), all.slice(middle)];
}
