// docs/cli.md against the program: every command with its arguments and every option with its meaning, and none that is not there.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { Command, Option } from 'commander';
import { buildProgram } from '../../lib/cli/program.ts';

const COMMON = ['--config', '--store', '--json', '--quiet'];

const document = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
const { commands } = buildProgram({ exit: 0 }, new AbortController().signal);
const sections = new Map(
  document
    .split(/^## `holdfast /m)
    .slice(1)
    .map((section) => [/^[^`]*/.exec(section)?.[0] ?? '', section] as const),
);

function usage(command: Command): string {
  const args = command.registeredArguments.map((arg) => {
    const name = `${arg.name()}${arg.variadic ? '...' : ''}`;
    return arg.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...args].join(' ');
}

function isCommon({ long }: Option): boolean {
  return COMMON.includes(long ?? '');
}

test('has a section for every command of the program, in its order, and no other', () => {
  expect([...sections.keys()]).toEqual(commands.map(usage));
});

test('names the options of every command once for all', () => {
  const [first] = commands;
  for (const { flags } of (first?.options ?? []).filter(isCommon)) {
    expect(document).toContain(`| \`${flags}\` |`);
  }
});

describe.each(commands.map((command) => [command.name(), command] as const))(
  '%s',
  (_name, command) => {
    const section = sections.get(usage(command)) ?? '';

    test('has each of its options with its meaning, and no other', () => {
      const rows = [...section.matchAll(/^\| `(-[^`]*)` \| (.*) \|$/gm)];
      const options = command.options.filter((option) => !isCommon(option));
      expect(rows.map(([, flags]) => flags)).toEqual(options.map(({ flags }) => flags));
      for (const [i, { description, argChoices, defaultValue }] of options.entries()) {
        const meaning = rows[i]?.[2] ?? '';
        expect(meaning).toContain(description);
        for (const choice of argChoices ?? []) expect(meaning).toContain(choice);
        if (typeof defaultValue === 'string') expect(meaning).toContain(`default: ${defaultValue}`);
      }
    });

    test('has its exit codes, an example, and the document that --json prints', () => {
      expect(section).toMatch(/^Exit codes: \S/m);
      expect(section).toMatch(new RegExp(`^\`\`\`text\n\\$ holdfast ${command.name()}\\b`, 'm'));
      const json = /^```json\n(.*?)^```$/ms.exec(section)?.[1] ?? '';
      expect(JSON.parse(json)).toEqual(expect.objectContaining({}));
    });
  },
);
