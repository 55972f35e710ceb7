// The alarms of what AWS Backup protects, in nested stacks: a selection may name 500 resources, and a template holds 500 alarms.
import { NestedStack } from 'aws-cdk-lib';
import type { CfnResource } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { SelectionConfig } from '../../config/recovery-points.ts';
import type { AlarmDefinition, Alarms } from './alarms/alarms.ts';

export interface WatchedResourcesProps {
  readonly alarms: Alarms;
  /** What all of it waits for: the schedule by which alarms get their first value. */
  readonly after: CfnResource;
}

/** Of the 500 resources of a template and its 1 MB. */
const ALARMS_IN_STACK = 300;

/** As many nested stacks for each selection as its alarms need. */
export class WatchedResources extends Construct {
  /** With the names of their selections. */
  readonly stacks = new Map<NestedStack, string>();
  private readonly props: WatchedResourcesProps;

  constructor(scope: Construct, id: string, props: WatchedResourcesProps) {
    super(scope, id);
    this.props = props;
  }

  add({ name }: SelectionConfig, alarms: readonly AlarmDefinition[]): void {
    for (let first = 0; first < alarms.length; first += ALARMS_IN_STACK) {
      const id = first === 0 ? name : `${name}-${first / ALARMS_IN_STACK + 1}`;
      const stack = new NestedStack(this, id, { description: `Watches recovery points: ${id}` });
      stack.nestedStackResource?.addResourceDependency(this.props.after);
      for (const alarm of alarms.slice(first, first + ALARMS_IN_STACK))
        this.props.alarms.add(alarm, stack);
      this.stacks.set(stack, name);
    }
  }

  /** Makes `resource` wait for all of them. */
  precede(resource: CfnResource): void {
    for (const { nestedStackResource } of this.stacks.keys())
      if (nestedStackResource !== undefined) resource.addResourceDependency(nestedStackResource);
  }
}
