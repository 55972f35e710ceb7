// What belongs to one source: its alarms, its schedules and the rules that hear of its deployments, in a nested stack of its own. So a source
// that comes or goes moves nothing of another one, and a template holds hundreds of them.
import { NestedStack } from 'aws-cdk-lib';
import type { CfnResource } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { isRemote, isTask } from '../../config/config.ts';
import type { SourceConfig } from '../../config/config.ts';
import type { AlarmDefinition, Alarms } from './alarms/alarms.ts';
import type { Events } from './triggers/events.ts';
import type { Schedules } from './triggers/schedules.ts';
import { sourceTimetables } from './triggers/timetables.ts';

export interface SourcesProps {
  readonly alarms: Alarms;
  readonly schedules: Schedules;
  readonly events: Events;
  /** Whether failed backups are tried once more. */
  readonly recovers: boolean;
  /** What all of it waits for: the schedule by which alarms get their first value. */
  readonly after: CfnResource;
}

/** A nested stack for each source. */
export class Sources extends Construct {
  readonly stacks = new Map<string, NestedStack>();
  private readonly props: SourcesProps;

  constructor(scope: Construct, id: string, props: SourcesProps) {
    super(scope, id);
    this.props = props;
  }

  add(source: SourceConfig, alarms: readonly AlarmDefinition[]): void {
    const { name } = source;
    const stack = new NestedStack(this, name, { description: `Watches and starts ${name}` });
    stack.nestedStackResource?.addResourceDependency(this.props.after);
    for (const alarm of alarms) this.props.alarms.add(alarm, stack);
    for (const timetable of sourceTimetables(source)) this.props.schedules.add(timetable, stack);
    if (isTask(source)) {
      this.props.events.verifyAsTask(source, stack);
      if (this.props.recovers) this.props.events.recoverAsTask(source, stack);
    }
    if (isRemote(source)) this.props.events.reactToDeployments(source, stack);
    this.stacks.set(name, stack);
  }

  /** Makes `resource` wait for all that belongs to sources. */
  precede(resource: CfnResource): void {
    for (const { nestedStackResource } of this.stacks.values()) {
      if (nestedStackResource !== undefined) resource.addResourceDependency(nestedStackResource);
    }
  }
}
