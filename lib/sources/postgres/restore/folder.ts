// A backup of a database as files: dump.sql, or dump/ in the directory format, and globals.sql, whole or not at all; and the comparison
// of such a folder with the backup.
import fs from 'node:fs';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { ALL_KEPT } from '../../../archive/read/ownership.ts';
import { HoldfastError, type Problem } from '../../../errors.ts';
import type { Artifact } from '../../../format/manifest.ts';
import { displayPath, fromUtf8 } from '../../../format/paths.ts';
import { archiveVerbs } from '../../tree/kind.ts';
import type {
  Compared,
  CompareFolder,
  Difference,
  OpenBackup,
  RestoreInput,
  RestoreResult,
  Work,
} from '../../source.ts';
import { DUMP_FOLDER } from '../dump/directory.ts';
import { isDirectory, openIndex, readText, titleOf } from '../dump/objects.ts';
import { readDefinitions, type Definition } from '../dump/definitions.ts';
import { dumpText, type StoredText } from '../dump/reader.ts';
import { DumpScanner, type DumpObject } from '../dump/scanner.ts';
import { piecesOf } from './plan.ts';
import { namedObjects, objectsAt } from '../views.ts';

export const DUMP_FILE = 'dump.sql';
/** Small texts beside a dump, by the role of their artifact. */
const BESIDE: readonly { role: Artifact['role']; file: string; what: string }[] = [
  { role: 'globals', file: 'globals.sql', what: 'the roles backed up' },
  { role: 'properties', file: 'properties.sql', what: 'the properties backed up' },
];

/** The text of what some paths mean, between the beginning and the end of the dump; all of it for none. */
async function* textAt(
  backup: OpenBackup,
  paths: readonly string[],
  work: Work,
): AsyncGenerator<Buffer> {
  if (paths.length === 0) {
    yield* dumpText(backup, work);
    return;
  }
  const wanted = new Set(await wantedObjects(backup, paths));
  const { objects } = await openIndex(backup);
  const text: StoredText = (range) => dumpText(backup, { ...work, range });
  const definitions: Definition[] = [];
  for await (const one of readDefinitions(objects, text))
    if (wanted.has(one.object)) definitions.push(one);
  // Each under its own settings, which stand before it in the whole dump, maybe behind something else.
  for (const { before, ...range } of piecesOf(definitions, { owners: true, settings: true })) {
    if (before !== undefined) yield Buffer.from(before);
    yield* text(range);
  }
}

/** The objects that some paths mean, in the order of the dump, with its beginning and end around them; all for none. */
async function wantedObjects(
  backup: OpenBackup,
  paths: readonly string[],
): Promise<readonly DumpObject[]> {
  const { objects } = await openIndex(backup);
  if (paths.length === 0) return objects;
  const named = await namedObjects(backup);
  const wanted = new Set(paths.flatMap((one) => objectsAt(named, one).map(({ object }) => object)));
  return objects.filter((one) => wanted.has(one) || one.type === 'BEGIN' || one.type === 'END');
}

/** Adjacent objects as one stretch of text. */
export function rangesOf(objects: readonly DumpObject[]): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  for (const { offset, bytes } of objects) {
    const last = ranges.at(-1);
    if (last?.to === offset) last.to = offset + bytes;
    else ranges.push({ from: offset, to: offset + bytes });
  }
  return ranges;
}

/** `SourceKind.restore` of databases. Damage is thrown: part of a dump is worse than none. */
export async function restoreToFolder(
  backup: OpenBackup,
  input: RestoreInput,
): Promise<RestoreResult> {
  if (isDirectory(backup.manifest)) return restoreDirectory(backup, input);
  const objects = await wantedObjects(backup, input.paths);
  const totalBytes = objects.reduce((sum, object) => sum + object.bytes, 0);
  let bytes = 0;
  const file = fs.createWriteStream(path.join(input.into, DUMP_FILE), { flags: 'wx', mode: 0o600 });
  const written = finished(file);
  // Awaited below; until then a rejection must not count as unhandled.
  written.catch(() => undefined);
  try {
    for await (const text of textAt(backup, input.paths, input)) {
      bytes += text.length;
      if (!file.write(text)) await Promise.race([drained(file), written]);
      input.onProgress?.({ entries: 0, bytes, totalBytes });
    }
    file.end();
    await written;
  } finally {
    file.destroy();
  }
  const beside =
    input.paths.length === 0 ? await writeBeside(backup, input.into) : { files: 0, bytes: 0 };
  return {
    files: 1 + beside.files,
    entries: objects.length,
    bytes: bytes + beside.bytes,
    problems: [],
    unkept: ALL_KEPT,
  };
}

/** The texts that a backup has beside its dump, as they are. */
async function textsBeside(
  backup: OpenBackup,
): Promise<{ file: string; what: string; text: Buffer }[]> {
  const texts: { file: string; what: string; text: Buffer }[] = [];
  for (const { role, file, what } of BESIDE) {
    const artifact = backup.manifest.artifacts.find((one) => one.role === role);
    if (artifact !== undefined) texts.push({ file, what, text: await readText(backup, artifact) });
  }
  return texts;
}

async function writeBeside(
  backup: OpenBackup,
  into: string,
): Promise<{ files: number; bytes: number }> {
  const texts = await textsBeside(backup);
  for (const { file, text } of texts)
    fs.writeFileSync(path.join(into, file), text, { flag: 'wx', mode: 0o600 });
  return { files: texts.length, bytes: texts.reduce((sum, { text }) => sum + text.length, 0) };
}

/** The directory is pg_dump's own, and pg_restore takes single tables out of it. */
async function restoreDirectory(backup: OpenBackup, input: RestoreInput): Promise<RestoreResult> {
  refuseParts(input.paths);
  const restored = await archiveVerbs.restore(backup, {
    ...input,
    paths: [DUMP_FOLDER],
    // Who wrote it for pg_dump means nothing.
    owners: 'aside',
  });
  const [problem] = restored.problems;
  if (problem?.code === 'damaged') {
    throw new HoldfastError('BACKUP_DAMAGED', `${problem.path} of the dump: ${problem.detail}`);
  }
  const beside = await writeBeside(backup, input.into);
  return {
    ...restored,
    files: restored.files + beside.files,
    entries: restored.entries + beside.files,
    bytes: restored.bytes + beside.bytes,
  };
}

function refuseParts(paths: readonly string[]): void {
  if (paths.length === 0) return;
  throw new HoldfastError(
    'USAGE',
    `${paths.join(', ')}: a dump in the directory format is restored to a folder as a whole`,
    {
      hint: `Restore all of it, then take what you want: pg_restore --schema=app --table=users -f - FOLDER/${DUMP_FOLDER}. Tables go to a database by --to with --table.`,
    },
  );
}

function drained(file: fs.WriteStream): Promise<void> {
  return new Promise((resolve) => file.once('drain', () => resolve()));
}

/** `SourceKind.compare` of databases: what the files of a folder hold otherwise than the backup. */
export async function compareFolder(backup: OpenBackup, input: CompareFolder): Promise<Compared> {
  if (isDirectory(backup.manifest)) return compareDirectory(backup, input);
  const objects = await wantedObjects(backup, input.paths);
  const file = path.join(input.folder, DUMP_FILE);
  const differences: Difference[] = [];
  if (fs.existsSync(file)) {
    const found = await objectsIn(fs.createReadStream(file, { highWaterMark: 1 << 20 }));
    const parts = input.paths.length > 0;
    const expected = parts ? await objectsIn(textAt(backup, input.paths, input)) : objects;
    differences.push(...compareObjects(expected, found));
  } else differences.push(differs(DUMP_FILE, 'missing', 'a file', 'nothing'));
  if (input.paths.length === 0) differences.push(...(await compareBeside(backup, input.folder)));
  const problems: Problem[] = [];
  return { differences, problems, unkept: ALL_KEPT, entries: objects.length };
}

async function objectsIn(text: AsyncIterable<Buffer>): Promise<readonly DumpObject[]> {
  const scanner = new DumpScanner();
  for await (const chunk of text) scanner.push(chunk);
  return scanner.end().objects;
}

async function compareDirectory(backup: OpenBackup, input: CompareFolder): Promise<Compared> {
  refuseParts(input.paths);
  const compared = await archiveVerbs.compare(backup, {
    ...input,
    paths: [DUMP_FOLDER],
    owners: 'aside',
    times: false,
  });
  const beside = await compareBeside(backup, input.folder);
  return { ...compared, differences: [...compared.differences, ...beside] };
}

function compareObjects(
  expected: readonly DumpObject[],
  found: readonly DumpObject[],
): Difference[] {
  const differences: Difference[] = [];
  for (let i = 0; i < Math.max(expected.length, found.length); i++) {
    const [one, other] = [expected[i], found[i]];
    if (one !== undefined && one.sha256 === other?.sha256) continue;
    const where = one ?? other;
    if (where === undefined) continue;
    const said = (object: DumpObject | undefined) =>
      object === undefined ? 'nothing' : `${titleOf(object)} (${object.sha256.slice(0, 16)})`;
    differences.push(differs(titleOf(where), 'content', said(one), said(other)));
  }
  return differences;
}

async function compareBeside(backup: OpenBackup, folder: string): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const { file, what, text } of await textsBeside(backup)) {
    const found = path.join(folder, file);
    if (!fs.existsSync(found)) differences.push(differs(file, 'missing', 'a file', 'nothing'));
    else if (!fs.readFileSync(found).equals(text))
      differences.push(differs(file, 'content', what, 'others'));
  }
  return differences;
}

function differs(
  where: string,
  change: Difference['change'],
  expected: string,
  found: string,
): Difference {
  return { path: displayPath(fromUtf8(where)), change, expected, found };
}
