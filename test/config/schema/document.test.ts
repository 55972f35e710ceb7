import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { expect, test } from '@jest/globals';

import { errorCodeOf, errorsDocument, EXPLANATIONS } from '../../../lib/cli/output/explanations.ts';
import { configurationDocument, schemaDocument } from '../../../lib/config/schema/document.ts';
import { EXAMPLE_AWS_CONFIG, EXAMPLE_CONFIG } from '../../../lib/config/schema/example.ts';
import { configJsonSchema, kindsOf } from '../../../lib/config/schema/options.ts';
import type { OptionNode } from '../../../lib/config/schema/options.ts';
import { ERRORS } from '../../../lib/errors.ts';
import { faultsOf } from '../support.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (name: string) => readFile(root + name, 'utf8');

test('the examples of the documentation are valid configurations', () => {
  expect(faultsOf(EXAMPLE_CONFIG)).toEqual([]);
  expect(faultsOf(EXAMPLE_AWS_CONFIG)).toEqual([]);
});

test('what is generated is what the code says', async () => {
  expect(await read('docs/configuration.md')).toBe(configurationDocument());
  expect(await read('docs/errors.md')).toBe(errorsDocument());
  expect(JSON.parse(await read('holdfast.schema.json'))).toEqual(JSON.parse(schemaDocument()));
});

test('every option has a description', () => {
  const missing: string[] = [];
  const look = (node: OptionNode, path: string): void => {
    for (const [key, option] of Object.entries(node.properties ?? {})) {
      if (option.description === undefined) missing.push(`${path}.${key}`);
      look(option, `${path}.${key}`);
    }
    for (const variant of node.oneOf ?? []) look(variant, `${path}(${variant.title ?? ''})`);
    if (node.items !== undefined) look(node.items, `${path}[]`);
    if (typeof node.additionalProperties === 'object') look(node.additionalProperties, `${path}.*`);
  };
  look(configJsonSchema(), '');
  expect(missing).toEqual([]);
});

test('every option of every kind of source is described once', () => {
  const source = configJsonSchema().properties?.['sources']?.additionalProperties as OptionNode;
  const text = configurationDocument();
  expect(kindsOf(source)).toEqual(
    expect.arrayContaining(['files', 'bucket', 'github', 'parameters']),
  );
  for (const { properties = {} } of source.oneOf ?? []) {
    const kind = String(properties['kind']?.const);
    expect(text).toContain(`## \`sources.<name>\` of kind \`${kind}\``);
    for (const [key, option] of Object.entries(properties)) {
      expect(text).toContain(`| \`${key}\` |`);
      for (const below of Object.keys(option.properties ?? {})) {
        const own = text.split(`## \`sources.<name>.${key}\``)[1]?.split('\n## ')[0];
        expect(own).toContain(`| \`${below}\` |`);
      }
    }
  }
});

test('every error has a section with what to do, and no section is of another', () => {
  const headings = [...errorsDocument().matchAll(/^## (\S+)$/gm)].map(([, code]) => code);
  expect(headings).toEqual(Object.keys(ERRORS));
  for (const { steps } of Object.values(EXPLANATIONS)) expect(steps.length).toBeGreaterThan(0);
});

test('a code is found however it is typed', () => {
  expect(errorCodeOf('backup-damaged')).toBe('BACKUP_DAMAGED');
  expect(errorCodeOf('toString')).toBeUndefined();
});
