// The command line that tests start: as it is shipped, in one file, which starts in half the time that the source takes.
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/holdfast-tests', import.meta.url));

/** What loading code costs most is compiling: it is kept for all tests, in a place that none of their users may write. */
export const CACHE = FOLDER;

/** What goes behind `node`; built by {@link ./build-program.ts} before the first test. */
export const PROGRAM = `${FOLDER}/program/holdfast.js`;
