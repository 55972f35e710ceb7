// An error as the command line says it.

/** What is wrong, what to do, and where there is more. */
export function errorLines({
  message,
  hint,
  code,
}: {
  readonly message: string;
  readonly hint: string | undefined;
  readonly code: string | undefined;
}): string {
  return [
    message,
    ...(hint === undefined ? [] : [`  hint: ${hint}`]),
    ...(code === undefined ? [] : [`  code: ${code}; more with: holdfast explain ${code}`]),
  ].join('\n');
}
