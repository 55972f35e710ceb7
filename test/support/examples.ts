// The text of an example, changed for a test.

/** The text of a configuration without its block of recovery points. */
export function withoutRecoveryPoints(text: string): string {
  const rest = text.replace(/^ {2}recoveryPoints:\n(?:(?: {4}.*)?\n)*/m, '');
  if (rest === text) throw new Error('the example has no recovery points');
  return rest;
}

/** The text of a configuration whose stack tells by e-mail alone: without sinks, contacts and escalation. */
export function withoutSinks(text: string): string {
  const rest = text.replace(/^ {2}(?:sinks|contacts|escalation):\n(?: {4}.*\n)*/gm, '');
  if (rest === text) throw new Error('the example has no sinks');
  return rest;
}
