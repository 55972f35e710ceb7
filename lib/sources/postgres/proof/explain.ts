// Finds out whether definitions that a restored database prints otherwise than the backup were changed, or are what PostgreSQL makes of
// the very text of the dump: its definitions alone are loaded into another database and dumped, and that dump is loaded and dumped
// once more. What the restored database gives must be what the second one gives, and the third must give it again.
import fs from 'node:fs';
import path from 'node:path';
import { HoldfastError, type Problem } from '../../../errors.ts';
import type { OpenBackup, Work } from '../../source.ts';
import type { CompareInput } from './compare-facts.ts';
import { differenceOf, dumpAgain, MAX_NAMED, ORDER, type Otherwise } from './compare-dumps.ts';
import { DATA_TYPES } from '../dump/header.ts';
import { openIndex } from '../dump/objects.ts';
import { dumpText, type StoredText, type Stretch } from '../dump/reader.ts';
import type { DumpObject } from '../dump/scanner.ts';
import { loadDump, loadText, type LoadInput, type LoadOptions } from '../restore/load.ts';
import { rangesOf } from '../restore/folder.ts';
import { shownLines } from './text-difference.ts';

/** A database without anything in it, as loading and dumping programs reach it. */
export interface Empty {
  readonly load: LoadInput;
  readonly dump: CompareInput;
}

export interface ExplainInput {
  readonly backup: OpenBackup;
  readonly work: Work;
  /** A new database on the server of the restored one; whatever it gave before may be gone. */
  readonly fresh: () => Promise<Empty>;
  /** Where the definitions may be kept as a file; absolute. */
  readonly folder: string;
  /** How the dump was loaded. */
  readonly load: Pick<LoadOptions, 'unknown' | 'several' | 'text' | 'settings'>;
}

/** What became of the differences. */
export interface Explained {
  /** What the text of the dump does not explain. */
  readonly damage: readonly Problem[];
  /** What could not be found out. */
  readonly unclear: readonly Problem[];
  /** What PostgreSQL prints otherwise once it was loaded. */
  readonly remarks: readonly Problem[];
}

/** The code of a definition that is printed otherwise once it was loaded. */
const PRINTED = 'printed-otherwise';
/** Settings that stand before an object, and so at the end of the text of the one before it. */
const SETTINGS = /(?:^|\n)((?:SET \w+ = [^\n]*;\n+)+)$/;
/** Nothing but a setting under which the objects that follow are made. */
const SETTING = /^\s*(?:SET default_\w+ = [^\n]*;\s*)+$/;
const MAX_SETTINGS_BYTES = 1024;

/** Explains differences, or does not. The restored database is not needed for it any more. */
export async function explain(
  otherwise: ReadonlyMap<string, Otherwise>,
  input: ExplainInput,
): Promise<Explained> {
  if (otherwise.size === 0) return { damage: [], unclear: [], remarks: [] };
  const { backup, work, folder } = input;
  const file = path.join(folder, 'definitions.sql');
  try {
    const reference = await input.fresh();
    await loadDefinitions(reference.load, input);
    const first = await dumpToFile(backup, reference.dump, { file, signal: work.signal });
    const again = await input.fresh();
    const text: StoredText = ({ from, to }) =>
      fs.createReadStream(file, { start: from, end: Math.max(from, to - 1) });
    const rawBytes = fs.statSync(file).size;
    const loaded = { ...input.load, text };
    const { signal } = work;
    const quiet = { signal, onProgress: undefined };
    await loadText(again.load, { objects: first.objects, rawBytes }, quiet, loaded);
    const second = await dumpAgain(backup, again.dump, signal);
    return judge(otherwise, (key) => [first.digestOf(key), second.digestOf(key)]);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'RESTORE_DIFFERS') throw error;
    const detail = `some definitions are printed otherwise, and whether they are the same could not be found out: ${error.message}`;
    const named = [...otherwise.values()].slice(0, MAX_NAMED).map(changed);
    return {
      damage: [],
      unclear: [{ path: '', code: 'not-explained', detail }, ...named],
      remarks: [],
    };
  } finally {
    fs.rmSync(file, { force: true });
  }
}

function judge(
  otherwise: ReadonlyMap<string, Otherwise>,
  digestsOf: (key: string) => readonly [string | undefined, string | undefined],
): Explained {
  const damage: Problem[] = [];
  const unclear: Problem[] = [];
  const remarks: Problem[] = [];
  let more = 0;
  for (const [key, one] of otherwise) {
    const [reference, again] = digestsOf(key);
    if (reference !== one.digest) damage.push(changed(one));
    else if (reference !== again) unclear.push(unsettled(one));
    else if (remarks.length < MAX_NAMED) remarks.push(remark(one));
    else more++;
  }
  if (more > 0) {
    const detail = `PostgreSQL words ${more} more objects differently after loading; they mean the same`;
    remarks.push({ path: '', code: PRINTED, detail });
  }
  return {
    damage: damage.slice(0, MAX_NAMED),
    unclear: unclear.slice(0, MAX_NAMED),
    remarks,
  };
}

function changed({ title, next, texts }: Otherwise): Problem {
  const isSetting =
    texts !== undefined && SETTING.test(`${texts.expected ?? ''}\n${texts.found ?? ''}`);
  const whose = isSetting ? `, a setting for ${next}, which follows it` : '';
  return title === ORDER
    ? {
        path: texts?.expected ?? '',
        code: 'order',
        detail: `pg_dump writes ${texts?.found ?? 'nothing'} in its place`,
      }
    : { path: title, code: 'content', detail: `${differenceOf(texts)}${whose}` };
}

function unsettled({ title }: Otherwise): Problem {
  const detail =
    'PostgreSQL prints it otherwise each time it was loaded, so its text proves nothing: compare it by hand';
  return { path: title, code: 'printed-anew', detail };
}

function remark({ title, texts }: Otherwise): Problem {
  const both =
    texts === undefined
      ? 'another text (not shown)'
      : `${shownLines(texts.found)} instead of ${shownLines(texts.expected)}`;
  const detail = `after loading, PostgreSQL words it differently, and it means the same: ${both}`;
  return { path: title, code: PRINTED, detail };
}

async function dumpToFile(
  backup: OpenBackup,
  database: CompareInput,
  { file, signal }: { file: string; signal: AbortSignal | undefined },
): ReturnType<typeof dumpAgain> {
  const fd = fs.openSync(file, 'wx', 0o600);
  try {
    return await dumpAgain(backup, database, signal, {
      onBytes: (bytes) => void fs.writeSync(fd, bytes),
    });
  } finally {
    fs.closeSync(fd);
  }
}

/** Loads everything of a dump that is no data. */
async function loadDefinitions(database: LoadInput, input: ExplainInput): Promise<void> {
  const { backup, work } = input;
  const text: StoredText = input.load.text ?? ((range) => dumpText(backup, { ...work, range }));
  const { objects } = await openIndex(backup);
  const ranges: Stretch[] = [];
  for (const part of partsOf(objects)) {
    if (part.data) ranges.push(...(await settingsAfter(part.last, text)));
    else ranges.push(...rangesOf(part.objects));
  }
  const options = { ...input.load, pieces: ranges, text };
  await loadDump(database, backup, { ...work, onProgress: undefined }, options);
}

interface Part {
  readonly data: boolean;
  readonly objects: DumpObject[];
  last: DumpObject;
}

/** Runs of objects that are data, and of such that are not. */
function partsOf(objects: readonly DumpObject[]): Part[] {
  const parts: Part[] = [];
  for (const object of objects) {
    const data = DATA_TYPES.includes(object.type);
    const last = parts.at(-1);
    if (last?.data === data) {
      last.last = object;
      last.objects.push(object);
    } else parts.push({ data, objects: [object], last: object });
  }
  return parts;
}

/** Where the settings for the next object stand at the end of one that is data. */
async function settingsAfter(
  { offset, bytes }: DumpObject,
  text: StoredText,
): Promise<readonly Stretch[]> {
  const to = offset + bytes;
  const parts: Buffer[] = [];
  const from = to - Math.min(bytes, MAX_SETTINGS_BYTES);
  for await (const part of text({ from, to })) parts.push(Buffer.from(part));
  const [, settings] = SETTINGS.exec(Buffer.concat(parts).toString('latin1')) ?? [];
  return settings === undefined ? [] : [{ from: to - settings.length, to }];
}
