// What the package says of itself, and what its programs say of it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { NODE_ADVICE, nodeRefusal, VERSION } from '../lib/version.ts';

const ROOT = join(import.meta.dirname, '..');
const { version, engines, peerDependencies } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
) as {
  version: string;
  engines: { node: string };
  peerDependencies: Record<string, string>;
};

test('the version is that of the package', () => {
  expect(VERSION).toBe(version);
});

test('the oldest Node is that of the package', () => {
  const oldest = engines.node.replace('>=', '');
  expect(nodeRefusal(`${oldest}.0`)).toBeUndefined();
  expect(nodeRefusal('22.14.9')).toBe(`Holdfast needs Node ${oldest} or newer, this is 22.14.9`);
});

test('the advice names a Node that runs it', () => {
  const [, major = ''] = /node@(\d+)/.exec(NODE_ADVICE) ?? [];
  expect(nodeRefusal(`${major}.99.0`)).toBeUndefined();
});

test.each(['aws-cdk', 'aws-cdk-lib'])('the document names the oldest %s', (name) => {
  const [, oldest = ''] = /^\^(\d+\.\d+)\.0$/.exec(peerDependencies[name] ?? '') ?? [];
  const text = readFileSync(join(ROOT, 'docs/aws.md'), 'utf8');
  expect(text).toContain(`\`${name}\` ${oldest} or newer`);
});

test.each(['22.16.1', '23.0.0', '100.1.0'])('Node %s runs it', (one) => {
  expect(nodeRefusal(one)).toBeUndefined();
});

test.each(['0.10.0', '20.20.2', '22.2.0'])('Node %s is refused', (one) => {
  expect(nodeRefusal(one)).toContain(one);
});
