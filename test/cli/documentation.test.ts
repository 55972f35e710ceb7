// docs/cli.md against the program: every command with its arguments and every option with its meaning, and none that is not there.
import { readdirSync, readFileSync } from 'node:fs';
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

/** Every place that tells people what to type: documents, examples, what `init` writes, and messages of the program. */
const TOLD = [
  ...['.', 'docs', 'docs/decisions'].flatMap((folder) => filesIn(folder, false)),
  ...['examples', 'lib', 'demo'].flatMap((folder) => filesIn(folder, true)),
].filter((name) => name !== './CHANGELOG.md');

function filesIn(folder: string, recursive: boolean): string[] {
  return readdirSync(new URL(`../../${folder}/`, import.meta.url), { recursive, encoding: 'utf8' })
    .filter(
      (name) => /\.(md|ya?ml|ts)$/.test(name) && !/(^|\/)(node_modules|cdk\.out)\//.test(name),
    )
    .map((name) => `${folder}/${name}`);
}

function textOf(name: string): string {
  const text = readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
  return name.endsWith('.ts') ? text.replaceAll('\\`', '`') : text;
}

/** Command lines of ours in a text: in code, in blocks of code, and in comments. */
function commandLines(text: string): string[] {
  const spans = text.matchAll(/`(?:npx )?(holdfast [^`\n]*)`/g);
  const lines = text.matchAll(/^[ \t#$*]*(?:npx )?(holdfast [a-z-]+.*)$/gm);
  return [...spans, ...lines].map(([, line = '']) => line.replace(/\s#.*$/, ''));
}

/** Texts that begin so and are hashed, not typed. */
const HASHED = ['machine', 'member'];

function unknownIn(line: string): string | undefined {
  const [, name] = /^holdfast ([a-z][a-z-]*)(?=[\s,;.:)\]'"]|$)/.exec(line) ?? [];
  if (name === undefined || HASHED.includes(name)) return undefined;
  const command = commands.find((one) => one.name() === name);
  if (command === undefined) return `there is no command ${name}: ${line}`;
  const known = command.options.flatMap(({ long, short }) => [long, short]);
  const used = line.matchAll(/(?<=[\s[(])(--[a-z][a-z-]*|-[a-z])(?=[\s=\])'",.]|$)/g);
  const absent = [...used]
    .map(([option]) => option)
    .find((one) => !known.includes(one) && one !== '--help');
  return absent === undefined ? undefined : `${name} has no ${absent}: ${line}`;
}

test('every command that a document or a message names exists, with its options', () => {
  const lines = TOLD.flatMap((name) => commandLines(textOf(name)).map((line) => ({ name, line })));
  expect(lines.length).toBeGreaterThan(300);
  const unknown = lines.flatMap(({ name, line }) => {
    const found = unknownIn(line);
    return found === undefined ? [] : [`${name}: ${found}`];
  });
  expect(unknown).toEqual([]);
});

/** Options of other programs, which documents name alone. */
const OF_OTHERS = [
  '--create', // pg_restore
  '--include', // npm run bench
  '--no-role-passwords', // pg_dumpall
  '--no-same-owner', // tar
  '--require-hashes', // pip
  '--scale', // npm run bench
  '--user', // journalctl
];

test('every option that a document names alone is one of some command', () => {
  const known = new Set(commands.flatMap(({ options }) => options.map(({ long }) => long ?? '')));
  for (const option of OF_OTHERS) known.add(option);
  const unknown = TOLD.filter((name) => name.endsWith('.md')).flatMap((name) =>
    [...textOf(name).matchAll(/`(--[a-z][a-z-]*)[^`\n]*`/g)]
      .map(([, option = '']) => option)
      .filter((option) => !known.has(option))
      .map((option) => `${name}: ${option}`),
  );
  expect(unknown).toEqual([]);
});
