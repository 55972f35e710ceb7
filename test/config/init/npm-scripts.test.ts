import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { withScripts } from '../../../lib/config/init/npm-scripts.ts';
import { HoldfastError } from '../../../lib/errors.ts';

const SCRIPTS = { backup: 'holdfast backup', 'backup:list': 'holdfast list' };

test.each([
  [
    'two spaces, and lists on one line',
    '{\n  "name": "a",\n  "files": ["x", "y"],\n  "scripts": {\n    "dev": "next"\n  },\n  "type": "module"\n}\n',
    '{\n  "name": "a",\n  "files": ["x", "y"],\n  "scripts": {\n    "dev": "next",\n    "backup": "holdfast backup",\n    "backup:list": "holdfast list"\n  },\n  "type": "module"\n}\n',
  ],
  [
    'tabs, CRLF and no newline at the end',
    '{\r\n\t"scripts": {\r\n\t\t"dev": "next"\r\n\t}\r\n}',
    '{\r\n\t"scripts": {\r\n\t\t"dev": "next",\r\n\t\t"backup": "holdfast backup",\r\n\t\t"backup:list": "holdfast list"\r\n\t}\r\n}',
  ],
  [
    'scripts that are empty',
    '{\n  "scripts": {}\n}\n',
    '{\n  "scripts": {\n    "backup": "holdfast backup",\n    "backup:list": "holdfast list"\n  }\n}\n',
  ],
  [
    'no scripts at all',
    '{\n    "name": "a"\n}\n',
    '{\n    "name": "a",\n    "scripts": {\n        "backup": "holdfast backup",\n        "backup:list": "holdfast list"\n    }\n}\n',
  ],
  [
    'a file of one line',
    '{"name":"a","scripts":{"dev":"next"}}',
    '{"name":"a","scripts":{"dev":"next", "backup": "holdfast backup", "backup:list": "holdfast list"}}',
  ],
  [
    'another object of that name further down, and braces in strings',
    '{\n  "config": { "scripts": { "a": "}" } },\n  "scripts": { "b": "{\\"x\\"" }\n}\n',
    '{\n  "config": { "scripts": { "a": "}" } },\n  "scripts": { "b": "{\\"x\\"", "backup": "holdfast backup", "backup:list": "holdfast list" }\n}\n',
  ],
])('adds scripts to a package.json with %s, and changes nothing else', (_, before, after) => {
  expect(withScripts(before, SCRIPTS)).toEqual({
    text: after,
    added: ['backup', 'backup:list'],
    kept: [],
  });
});

test('never replaces a script that is there', () => {
  const text = '{ "scripts": { "backup": "node scripts/backup.js" } }';
  const result = withScripts(text, SCRIPTS);
  expect(result).toMatchObject({ added: ['backup:list'], kept: ['backup'] });
  expect(result.text).toContain('"backup": "node scripts/backup.js"');
  expect(withScripts(result.text, SCRIPTS)).toEqual({
    text: result.text,
    added: [],
    kept: ['backup', 'backup:list'],
  });
});

test('keeps every member of any package.json, however it is indented', () => {
  const name = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((one) => one !== '__proto__');
  const packageFile = fc.record(
    {
      name: fc.string(),
      scripts: fc.dictionary(name, fc.string(), { maxKeys: 4, noNullPrototype: true }),
      other: fc.jsonValue({ maxDepth: 3 }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(packageFile, fc.constantFrom(0, 2, 4, '\t'), (data, indent) => {
      const before: unknown = JSON.parse(JSON.stringify(data));
      const { text } = withScripts(JSON.stringify(data, undefined, indent), SCRIPTS);
      expect(JSON.parse(text)).toEqual({
        ...(before as object),
        scripts: { ...SCRIPTS, ...data.scripts },
      });
    }),
  );
});

test.each([
  ['no JSON', '{ "name": ', 'it is not JSON'],
  ['no object', '[1]', 'it is no object'],
  ['scripts that are none', '{ "scripts": [] }', 'its "scripts" are no object'],
])('refuses a package.json with %s', (_, text, message) => {
  expect(() => withScripts(text, SCRIPTS)).toThrow(HoldfastError);
  expect(() => withScripts(text, SCRIPTS)).toThrow(message);
});
