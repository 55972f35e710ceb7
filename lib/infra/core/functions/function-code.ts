// What the code of the functions is, whether it was built a moment ago or when the package was packed.

/** All files of all functions, and what stands beside them in the image of the database functions. */
export interface FunctionCode {
  /** Text by name of the file: `backup.js`, `backup.js.map`, shared parts, certificates. */
  readonly files: ReadonlyMap<string, string>;
  /** The files that a file imports or reads, at once or when it needs them. */
  readonly imports: Readonly<Record<string, readonly string[]>>;
  /** The programs of the image that are no functions. */
  readonly imagePrograms: readonly string[];
  /** Paths of what the image is built from besides code. */
  readonly imageFiles: readonly string[];
}
