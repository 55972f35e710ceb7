// A condition in words that need no configuration: for `holdfast explain` and docs/conditions.md.
import { conditionOf, type ConditionCode } from '../../policy/conditions/table.ts';

/** What somebody has to know and do of a condition. */
export interface ConditionExplained {
  readonly code: ConditionCode;
  readonly severity: 'watch' | 'alarm';
  /** What is the case. */
  readonly about: string;
  /** What it means for what was promised; empty where it says all itself. */
  readonly meaning: string;
  readonly steps: readonly string[];
  /** Where there is more, in the documents. */
  readonly more: string;
}

/** What is the case, without a threshold and without a name. */
export function conditionSentence(code: ConditionCode): string {
  const { about, sentence } = conditionOf(code);
  return sentence
    .replace(/,? LIMIT/, about === 'function' ? '' : ' its limit')
    .replace('NAME', 'it')
    .replace(/^[A-Z](?=[a-z ])/, (first) => first.toLowerCase());
}

const THING = {
  source: 'the source',
  resource: 'the resource',
  store: 'the store',
  function: 'the function',
  stack: 'the stack',
  machine: 'this machine',
} as const;

/** Everything that the table says of a condition. `SOURCE` stands for a name in its commands. */
export function explainCondition(code: ConditionCode): ConditionExplained {
  const { about, severity, means = '', next = [], runbook } = conditionOf(code);
  return {
    ...{ code, severity, about: conditionSentence(code) },
    meaning: means
      .replaceAll('SOURCE', THING[about])
      .replace(/^[a-z]/, (first) => first.toUpperCase()),
    steps: next,
    more: runbook === undefined ? 'docs/conditions.md' : `docs/runbook.md#${runbook}`,
  };
}
