// How a module of the tests states what it needs. The test command reads these statements before the tests begin.
import { partOf, type NeedName } from './table.ts';

/**
 * States that this module needs a part of the table; `name` is written out, as the test command reads it in the text.
 * What is returned tells where the part is, and fails when it is missing.
 */
export function need(name: NeedName): () => string {
  return () => {
    const part = partOf(name);
    const found = part.find();
    if (found !== undefined) return found;
    throw new Error(`${part.about} is missing: \`npm test\` brings it, see docs/testing.md`);
  };
}
