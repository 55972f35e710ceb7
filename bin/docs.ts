// Writes what is generated, documents, one module and the certificates of RDS, or with --check tells which have drifted from it.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { format, resolveConfig } from 'prettier';

import { conditionsDocument } from '../lib/cli/conditions-document.ts';
import { errorsDocument } from '../lib/cli/output/explanations.ts';
import { configurationDocument, schemaDocument } from '../lib/config/schema/document.ts';
import { certificatesOfRds } from './certificates-of-rds.ts';
import { deflateModule } from './deflate-module.ts';
import { tableOfTwoYears } from './two-years-of-recovery-points.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

// The formatter that `npm run check` uses, so that the two never disagree about one file.
async function formatted(name: string, text: string): Promise<string> {
  const options = await resolveConfig(root + name);
  return format(text, { ...options, filepath: root + name });
}

async function current(name: string): Promise<string | undefined> {
  try {
    return await readFile(root + name, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** `text` with a table that is made here behind the line that says so, in place of the one that is there. */
function withTable(text: string, table: string): string {
  const place = /(<!-- The table is made by `npm run docs` from [^\n]* -->\n\n)(\|[^\n]*\n)*/;
  if (!place.test(text)) throw new Error('a document has lost the place of its table');
  return text.replace(place, (_, before: string) => `${before}${table}\n`);
}

/** The first line that differs, as people write line numbers. */
function firstDifference(now: string, wanted: string): string {
  const [nowLines, wantedLines] = [now.split('\n'), wanted.split('\n')];
  const index = wantedLines.findIndex((line, at) => line !== nowLines[at]);
  const at = index === -1 ? wantedLines.length : index;
  return `line ${at + 1}:\n- ${nowLines[at] ?? '(nothing)'}\n+ ${wantedLines[at] ?? '(nothing)'}`;
}

const documents: Record<string, string> = {
  'docs/configuration.md': configurationDocument(),
  'docs/conditions.md': conditionsDocument(),
  'docs/errors.md': errorsDocument(),
  'docs/recovery-points.md': await formatted(
    'docs/recovery-points.md',
    withTable((await current('docs/recovery-points.md')) ?? '', tableOfTwoYears()),
  ),
  'holdfast.schema.json': await formatted('holdfast.schema.json', schemaDocument()),
  'lib/deflate/compiled.ts': await formatted('compiled.ts', deflateModule()),
  'lib/sources/postgres/server/certificates-of-rds.pem': certificatesOfRds(),
};

const check = process.argv.includes('--check');
let drifted = 0;
for (const [name, wanted] of Object.entries(documents)) {
  const now = await current(name);
  if (now === wanted) continue;
  if (check) {
    drifted += 1;
    const difference = now === undefined ? 'the file does not exist' : firstDifference(now, wanted);
    console.error(`${name} differs from the code, ${difference}`);
  } else {
    await writeFile(root + name, wanted);
    console.log(`wrote ${name}`);
  }
}
if (drifted > 0) {
  console.error('Run `npm run docs` and commit the result.');
  process.exitCode = 1;
}
