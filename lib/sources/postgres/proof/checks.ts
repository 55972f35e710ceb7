// Questions that the configuration asks of a restored database: SQL whose answer says whether it is what people expect.
import { HoldfastError, type Problem } from '../../../errors.ts';
import { DatabaseSession, type SessionInput } from '../server/session.ts';

export interface CheckResult {
  readonly check: string;
  readonly passed: boolean;
  readonly detail: string;
  /** Why there is no answer at all. */
  readonly failure?: HoldfastError;
}

type CheckInput = Omit<SessionInput, 'failure' | 'ownPath'>;

/** A name for a question that may be long. */
const SHOWN = 200;

/**
 * Asks each question in a session of its own, which cannot write. It passes when it gives a row whose first value is neither null
 * nor false nor 0.
 */
export async function runChecks(
  checks: readonly string[],
  input: CheckInput,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) results.push(await run(check, input));
  return results;
}

async function run(sql: string, input: CheckInput): Promise<CheckResult> {
  const check = sql.trim().slice(0, SHOWN);
  try {
    await using session = new DatabaseSession({
      ...input,
      ownPath: true,
      failure: 'RESTORE_DIFFERS',
    });
    await session.ask('SET default_transaction_read_only = on');
    const answer = await session.ask(sql.trim().replace(/;$/, ''));
    const [first = ''] = answer.split('\n');
    const [value = ''] = first.split('|');
    const passed = !['', 'f', 'false', '0'].includes(value);
    return {
      check,
      passed,
      detail: passed ? '' : `it gave ${JSON.stringify(first.slice(0, SHOWN))}`,
    };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'RESTORE_DIFFERS') throw error;
    return { check, passed: false, detail: error.message, failure: error };
  }
}

/** The checks that did not pass. */
export function failedChecks(results: readonly CheckResult[]): Problem[] {
  return results
    .filter(({ passed }) => !passed)
    .map(({ check, detail }) => ({ path: check, code: 'check', detail }));
}
