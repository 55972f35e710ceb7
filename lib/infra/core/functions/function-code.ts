// What the code of a function is, whether it was built a moment ago or when the package was packed.
import type { FunctionName } from '../../../names/aws.ts';

/** The code of a function, or all that the image of the database functions is built from. */
export type Bundle = FunctionName | 'image';

/** Text by path within the bundle: `index.js`, `worker.js`, their source maps and what they import; `Dockerfile`, `function/task.js`. */
export type BundleFiles = ReadonlyMap<string, string>;

/** The folder of the image in which its code is. */
export const IMAGE_CODE = 'function';
