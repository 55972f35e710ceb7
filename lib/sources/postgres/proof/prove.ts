// Proves a stored dump: its bytes against the index, and on request its text, object by object, up to pg_dump's last words.
import { free } from '../../../archive/threads/reclaim.ts';
import { HoldfastError, type Problem } from '../../../errors.ts';
import { artifactOf, type Artifact } from '../../../format/manifest.ts';
import { archiveVerbs } from '../../tree/kind.ts';
import type { Findings, OpenBackup, ProofLevel, Work } from '../../source.ts';
import {
  isDirectory,
  openIndex,
  readText,
  tableName,
  titleOf,
  type DumpIndex,
} from '../dump/objects.ts';
import { dumpText, proveMembers } from '../dump/reader.ts';
import { DumpScanner, type DumpObject } from '../dump/scanner.ts';

/** `SourceKind.prove` of databases. */
export async function proveDump(
  backup: OpenBackup,
  level: ProofLevel,
  work: Work,
): Promise<Findings> {
  const problems: Problem[] = await proveTexts(backup);
  if (isDirectory(backup.manifest)) return proveDirectory(backup, { level, problems, work });
  const artifact = artifactOf(backup.manifest, 'dump');
  let index: DumpIndex;
  try {
    index = await openIndex(backup);
  } catch (error) {
    return { problems: [...problems, damage('index', error)], bytes: 0, entries: 0 };
  }
  let bytes = 0;
  const { pool, signal } = work;
  const onBytes = (more: number) => {
    bytes += more;
    work.onProgress?.({ entries: 0, bytes, totalBytes: artifact.bytes });
  };
  const damaged = await proveMembers(backup, index, { pool, signal, onBytes });
  problems.push(...damaged);
  // What is damaged has no text that could be looked at.
  if (level === 'content' && damaged.length === 0) {
    problems.push(...(await proveText(backup, index, work)));
  }
  return { problems, bytes, entries: index.objects.length };
}

/** The archive proves its own files; that these are the rows of the database, the index says, which was made from them. */
async function proveDirectory(
  backup: OpenBackup,
  { level, problems, work }: { level: ProofLevel; problems: readonly Problem[]; work: Work },
): Promise<Findings> {
  const { pool, signal, onProgress } = work;
  // Read in any case: dumps share nothing.
  const found = await archiveVerbs.prove(backup, level, { pool, signal, onProgress });
  const more: Problem[] = [];
  let entries = 0;
  try {
    const { objects } = await openIndex(backup);
    entries = objects.length;
    more.push(...compareRows(objects, backup));
  } catch (error) {
    more.push(damage('index', error));
  }
  return { ...found, entries, problems: [...problems, ...found.problems, ...more] };
}

/** What stands beside a dump, and is small. */
const TEXTS: readonly Artifact['role'][] = ['globals', 'properties'];

async function proveTexts(backup: OpenBackup): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const artifact of backup.manifest.artifacts.filter(({ role }) => TEXTS.includes(role))) {
    try {
      await readText(backup, artifact);
    } catch (error) {
      problems.push(damage(artifact.role, error));
    }
  }
  return problems;
}

function damage(path: string, error: unknown): Problem {
  const known = error instanceof HoldfastError && error.code.startsWith('BACKUP_');
  if (!known) throw error;
  return { path, code: 'damaged', detail: error.message };
}

async function proveText(backup: OpenBackup, index: DumpIndex, work: Work): Promise<Problem[]> {
  const scanner = new DumpScanner();
  try {
    for await (const text of dumpText(backup, work)) {
      scanner.push(text);
      free(text);
    }
  } catch (error) {
    return [damage('', error)];
  }
  const found = scanner.end();
  const problems: Problem[] = [];
  const say = (path: string, detail: string) =>
    void problems.push({ path, code: 'damaged', detail });
  if (!found.complete) say('', 'the dump does not end with pg_dump’s last words');
  for (const line of found.foreign) {
    say('', `it holds what pg_dump does not write: ${JSON.stringify(line)}`);
  }
  problems.push(...compareObjects(index.objects, found.objects));
  problems.push(...compareRows(index.objects, backup));
  return problems;
}

/** The text is cut into the very objects that the index tells. */
function compareObjects(expected: readonly DumpObject[], found: readonly DumpObject[]): Problem[] {
  const problems: Problem[] = [];
  for (let i = 0; i < Math.max(expected.length, found.length); i++) {
    const [one, other] = [expected[i], found[i]];
    if (one !== undefined && other !== undefined && isSame(one, other)) continue;
    const path = titleOf(one ?? other ?? { type: 'END', schema: '-', name: '' });
    const detail = 'its text is not what the index says of it';
    problems.push({ path, code: 'damaged', detail });
    if (problems.length >= 20) break;
  }
  return problems;
}

function isSame(a: DumpObject, b: DumpObject): boolean {
  return (
    a.sha256 === b.sha256 && a.offset === b.offset && a.rows === b.rows && titleOf(a) === titleOf(b)
  );
}

function compareRows(objects: readonly DumpObject[], { manifest }: OpenBackup): Problem[] {
  const rows = new Map<string, number>();
  for (const object of objects) {
    const name = tableName(object);
    if (object.type === 'TABLE DATA') rows.set(name, (rows.get(name) ?? 0) + (object.rows ?? 0));
  }
  return Object.entries(manifest.database?.rows ?? {})
    .filter(([name, expected]) => rows.get(name) !== expected)
    .map(([name, expected]) => ({
      path: `TABLE DATA ${name}`,
      code: 'damaged',
      detail: `the dump holds ${rows.get(name) ?? 'no'} rows, the database held ${expected}`,
    }));
}
