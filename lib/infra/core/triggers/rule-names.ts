// What the rules of a system are called on AWS.
import type { Config } from '../../../config/config.ts';
import {
  ESCALATION_RULES,
  eventRules,
  POINT_RULES,
  RECOVERY_RULES,
  STORE_RULES,
} from '../../../config/event-rules.ts';
import { ruleName } from '../../../names/aws.ts';
import { digestOf } from '../../../names/digest.ts';

/** The name of the rule that the configuration knows as `rule`; at most 64 characters. */
export function nameOfRule(system: string, rule: string): string {
  // The names of a source and of what is deployed have no room beside that of the system.
  const isOfOurs = (
    [
      ...STORE_RULES,
      ...ESCALATION_RULES,
      ...Object.values(RECOVERY_RULES),
      ...POINT_RULES,
    ] as readonly string[]
  ).includes(rule);
  return ruleName(system, isOfOurs ? rule : `on-${digestOf(rule, 10)}`);
}

/** The names of all rules of a system, in the order of the configuration. */
export function ruleNames(config: Pick<Config, 'system' | 'sources' | 'aws' | 'notify'>): string[] {
  return eventRules(config).map((rule) => nameOfRule(config.system, rule));
}
