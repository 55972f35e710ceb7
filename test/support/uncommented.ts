// What a user does who wants a source that `init` wrote as a comment.

/** `text` of a holdfast.yaml without the marks in front of the sources `names`. */
export function uncommented(text: string, ...names: readonly string[]): string {
  let within = false;
  const lines = text.split('\n').map((line) => {
    const begins = /^ {2}# ([a-z][a-z0-9-]*):(?: #.*)?$/.exec(line)?.[1];
    if (begins !== undefined) within = names.includes(begins);
    else if (!/^ {2}# {3}/.test(line)) within = false;
    return within ? line.replace(/^ {2}# /, '  ') : line;
  });
  return lines.join('\n');
}
