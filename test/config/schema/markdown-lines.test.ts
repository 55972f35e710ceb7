import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { inLines } from '../../../lib/config/schema/markdown-lines.ts';

test('begins a line for each sentence, indented as the item that holds it', () => {
  expect(inLines('One. Two `a. B` is\nlong. (Three.)\n\n- **Four.** Five. Six?\n  Seven.')).toBe(
    'One.\nTwo `a. B` is long.\n(Three.)\n\n- **Four.** Five.\n  Six?\n  Seven.',
  );
});

test('leaves code, tables, headings and comments as they are', () => {
  const kept = '# A. B\n\n<!-- A. B -->\n\n| A. B |\n\n```sh\na. B\n- C. D\n```';
  expect(inLines(kept)).toBe(kept);
});

test('breaks neither a link nor code', () => {
  const [link, code] = [`[a ${'b '.repeat(30)}](c.md)`, `\`d ${'e '.repeat(30)}\``];
  expect(inLines(`${'word '.repeat(18)}${link} ${code} f`)).toBe(
    `${'word '.repeat(18).trim()}\n${link}\n${code} f`,
  );
});

const word = fc.stringMatching(/^[A-Za-z`[*-]{1,12}[.?!]?$/);

test('keeps every word, and no line is longer than 120 characters', () => {
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 80 }), (words) => {
      const text = `A ${words.filter((one) => !/[`[]/.test(one)).join(' ')}`;
      const lines = inLines(text).split('\n');
      expect(lines.join(' ')).toBe(text.trim());
      expect(lines.filter((line) => line.length > 135)).toEqual([]);
    }),
  );
});
