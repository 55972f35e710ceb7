// `.holdfast/SHA256SUMS`: what `sha256sum -c` reads, with GNU's escaping of odd names.

/** One line for a file; `path` is a byte string, and so is the result. */
export function sumsLine(path: string, sha256: string): string {
  if (!/[\\\n\r]/.test(path)) return `${sha256}  ${path}\n`;
  const escaped = path.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/\r/g, '\\r');
  return `\\${sha256}  ${escaped}\n`;
}
