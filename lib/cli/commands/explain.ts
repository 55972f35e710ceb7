// `holdfast explain`: what an error or a condition means and what to do, without a configuration or a store.
import { nearest } from '../../config/nearest.ts';
import { ERRORS, HoldfastError, type ErrorCode } from '../../errors.ts';
import { CONDITION_CODES, type ConditionCode } from '../../policy/conditions/table.ts';
import { explainCondition } from '../output/condition-words.ts';
import { errorCodeOf, EXPLANATIONS } from '../output/explanations.ts';
import type { Invocation } from '../invocation.ts';
import { Terminal } from '../output/terminal.ts';
import { table } from '../output/units.ts';

/** What a name stands for: an error, a condition, or one of each. */
interface Meant {
  readonly errors: readonly ErrorCode[];
  readonly conditions: readonly ConditionCode[];
}

const ALL: Meant = {
  errors: Object.keys(ERRORS) as ErrorCode[],
  conditions: CONDITION_CODES,
};

export function run([name]: string[], { options }: Invocation): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const meant = name === undefined ? ALL : meantBy(name);
  if (name === undefined) list(terminal);
  else explain(terminal, meant);
  terminal.document({
    command: 'explain',
    errors: meant.errors.map((code) => ({ code, ...ERRORS[code], ...EXPLANATIONS[code] })),
    conditions: meant.conditions.map(explainCondition),
  });
  return Promise.resolve(0);
}

/** `untrusted` is both an error and a condition. */
function meantBy(name: string): Meant {
  const error = errorCodeOf(name);
  const condition = CONDITION_CODES.find((code) => code === conditionCode(name));
  if (error !== undefined || condition !== undefined)
    return {
      errors: error === undefined ? [] : [error],
      conditions: condition === undefined ? [] : [condition],
    };
  const meant =
    nearest(name.toUpperCase(), ALL.errors) ?? nearest(conditionCode(name), ALL.conditions);
  throw new HoldfastError('USAGE', `there is no error or condition ${JSON.stringify(name)}`, {
    hint:
      meant === undefined
        ? '`holdfast explain` lists the codes.'
        : `Did you mean ${meant}? \`holdfast explain\` lists the codes.`,
  });
}

function conditionCode(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

function list(terminal: Terminal): void {
  const errors = ALL.errors.map((code) => [code, String(ERRORS[code].exit), ERRORS[code].about]);
  for (const line of table([['error', 'exit', 'meaning'], ...errors])) terminal.line(line);
  terminal.line();
  const conditions = ALL.conditions.map(explainCondition);
  for (const line of table([
    ['condition', 'severity', 'what is the case'],
    ...conditions.map(({ code, severity, about }) => [code, severity, about]),
  ]))
    terminal.line(line);
}

const SEVERITY = { alarm: 'somebody has to act', watch: 'worth a look by day' } as const;

function explain(terminal: Terminal, { errors, conditions }: Meant): void {
  for (const code of errors) {
    const { about, exit, retry } = ERRORS[code];
    const { meaning, steps } = EXPLANATIONS[code];
    const again = `exit code ${exit}; the same run may ${retry ? '' : 'not '}succeed later`;
    say(terminal, [`${terminal.paint('bold', code)}: ${about}`, again], { meaning, steps });
  }
  for (const condition of conditions.map(explainCondition)) {
    const { code, severity, about, meaning, steps, more } = condition;
    if (errors.length > 0) terminal.line();
    say(
      terminal,
      [
        `${terminal.paint('bold', code)}: ${about}`,
        `${severity.toUpperCase()}: ${SEVERITY[severity]}; a condition that \`holdfast status\` shows`,
      ],
      { meaning, steps },
    );
    terminal.line();
    terminal.line(`more: ${more}`);
  }
}

function say(
  terminal: Terminal,
  head: readonly string[],
  { meaning, steps }: { readonly meaning: string; readonly steps: readonly string[] },
): void {
  for (const line of head) terminal.line(line);
  if (meaning !== '') for (const line of ['', meaning]) terminal.line(line);
  if (steps.length > 0) terminal.line();
  steps.forEach((step, index) => terminal.line(`${index + 1}. ${step}`));
}
