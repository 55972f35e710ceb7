// `holdfast explain`: what an error code means and what to do, without a configuration or a store.
import { nearest } from '../../config/nearest.ts';
import { ERRORS, HoldfastError, type ErrorCode } from '../../errors.ts';
import { errorCodeOf, EXPLANATIONS } from '../output/explanations.ts';
import type { Invocation } from '../invocation.ts';
import { Terminal } from '../output/terminal.ts';
import { table } from '../output/units.ts';

export function run([name]: string[], { options }: Invocation): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const codes = Object.keys(ERRORS) as ErrorCode[];
  if (name === undefined) list(terminal, codes);
  else explain(terminal, codeOf(name, codes));
  return Promise.resolve(0);
}

function codeOf(name: string, codes: readonly ErrorCode[]): ErrorCode {
  const code = errorCodeOf(name);
  if (code !== undefined) return code;
  const meant = nearest(name.toUpperCase(), codes);
  throw new HoldfastError('USAGE', `there is no error ${JSON.stringify(name)}`, {
    hint:
      meant === undefined
        ? '`holdfast explain` lists the codes.'
        : `Did you mean ${meant}? \`holdfast explain\` lists the codes.`,
  });
}

function list(terminal: Terminal, codes: readonly ErrorCode[]): void {
  const rows = codes.map((code) => [code, String(ERRORS[code].exit), ERRORS[code].about]);
  for (const line of table([['code', 'exit', 'meaning'], ...rows])) terminal.line(line);
  terminal.document({
    command: 'explain',
    errors: codes.map((code) => ({ code, ...ERRORS[code], ...EXPLANATIONS[code] })),
  });
}

function explain(terminal: Terminal, code: ErrorCode): void {
  const { about, exit, retry } = ERRORS[code];
  const { meaning, steps } = EXPLANATIONS[code];
  terminal.line(`${terminal.paint('bold', code)}: ${about}`);
  terminal.line(`exit code ${exit}; the same run may ${retry ? '' : 'not '}succeed later`);
  terminal.line();
  terminal.line(meaning);
  terminal.line();
  steps.forEach((step, index) => terminal.line(`${index + 1}. ${step}`));
  terminal.document({ command: 'explain', errors: [{ code, ...ERRORS[code], meaning, steps }] });
}
