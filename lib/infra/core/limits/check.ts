// Holds every template of a system against the limits of AWS, when it is synthesized: what would fail on a real account fails here.
import { NestedStack, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from '../../../config/config.ts';
import { placeOf } from '../../../config/load/place.ts';
import type { Path } from '../../../config/load/yaml.ts';
import { HoldfastError } from '../../../errors.ts';
import {
  MOST_NESTED_RESOURCES,
  MOST_TEMPLATE_BYTES,
  POINTS_PATH,
  RESOURCE_LIMITS,
  TEMPLATE_LIMITS,
} from './limits.ts';
import type { Limit, RenderedTemplate } from './limits.ts';
import { rendererOf } from './rendered.ts';

/** One limit that is exceeded. */
interface Excess {
  readonly leads: Path;
  readonly message: string;
}

const MOST_TOLD = 10;

/**
 * Checks the stack of `scope` and all stacks within it whenever they are synthesized.
 *
 * `CONFIG_INVALID` with the line of the option that led to each excess.
 *
 * @param leads - the nested stacks, with the options that lead to what is in them
 */
export function checkLimits(
  scope: Construct,
  { file }: Pick<Config, 'file'>,
  leads: ReadonlyMap<Stack, Path>,
): void {
  scope.node.addValidation({
    validate: () => {
      const found = excesses(Stack.of(scope), leads);
      if (found.length === 0) return [];
      const lines = found
        .slice(0, MOST_TOLD)
        .map(({ leads, message }) => `\n  ${placeOf(file, leads)}: ${message}`);
      throw new HoldfastError(
        'CONFIG_INVALID',
        `AWS does not take the stack of ${file}:${lines.join('')}`,
        {
          hint: 'Shorten what is named, or divide the system in two; docs/aws-limits.md has all limits.',
        },
      );
    },
  });
}

function excesses(stack: Stack, leads: ReadonlyMap<Stack, Path>): Excess[] {
  const nested = stack.node
    .findAll()
    .filter((one): one is NestedStack => NestedStack.isNestedStack(one));
  const found: Excess[] = [];
  let resources = 0;
  for (const one of [stack, ...nested]) {
    const led = leads.get(one);
    const template = templateOf(one);
    resources += Object.keys(template.Resources ?? {}).length;
    const of = templateExcesses(one.node.id, template);
    found.push(...(led === undefined ? of : of.map((it) => ({ ...it, leads: led }))));
  }
  // Alarms of resources come in the hundreds, those of sources do not.
  const isOfPoints = nested.filter((one) => leads.get(one)?.[0] === 'aws').length > 1;
  const most = { ...MOST_NESTED_RESOURCES, ...(isOfPoints && { leads: POINTS_PATH }) };
  return [...found, ...above(most, resources, stack.stackName)];
}

function templateExcesses(name: string, template: RenderedTemplate): Excess[] {
  // As the CDK writes it.
  const bytes = Buffer.byteLength(JSON.stringify(template, undefined, 1));
  return [
    ...above(MOST_TEMPLATE_BYTES, bytes, name),
    ...TEMPLATE_LIMITS.flatMap((limit) => above(limit, limit.measure(template), name)),
    ...Object.entries(template.Resources ?? {}).flatMap(([id, { Type, Properties = {} }]) =>
      (RESOURCE_LIMITS[Type] ?? []).flatMap((limit) => above(limit, limit.measure(Properties), id)),
    ),
  ];
}

function above(
  { what, most, source, leads }: Omit<Limit<never>, 'measure'>,
  got: number,
  of: string,
): Excess[] {
  if (got <= most) return [];
  return [{ leads, message: `${of}: ${got} ${what}; allowed: ${most} (${source})` }];
}

function templateOf(stack: Stack): RenderedTemplate {
  // What the stack writes; the CDK gives no other way to it before it is written.
  const { _toCloudFormation } = stack as unknown as { _toCloudFormation: () => unknown };
  return rendererOf(stack)(stack.resolve(_toCloudFormation.call(stack))) as RenderedTemplate;
}
