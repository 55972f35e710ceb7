// Compares the dump of a restored database with the one in a backup, object by object. What is lost or changed in a way that nothing
// can explain is damage; a definition with another text may only be printed otherwise, which `explain` finds out.
import { createHash } from 'node:crypto';
import type { Problem } from '../../../errors.ts';
import type { OpenBackup, Work } from '../../source.ts';
import { factsOf, type CompareInput } from './compare-facts.ts';
import { scanDump } from '../dump/writer.ts';
import { DATA_TYPES, type Header } from '../dump/header.ts';
import { openIndex, titleOf } from '../dump/objects.ts';
import { dumpText } from '../dump/reader.ts';
import type { DumpObject } from '../dump/scanner.ts';
import { decoderOf, type Decode } from '../dump/encodings.ts';
import { readRowFilters } from '../dump/facts.ts';
import { compareRows } from './row-difference.ts';
import { DatabaseSession } from '../server/session.ts';
import { surroundingsOf } from '../dump/surroundings.ts';
import { differingLines, shownLines, type Texts } from './text-difference.ts';

/** An object that is there and whose text is another one. */
export interface Otherwise {
  readonly title: string;
  /** What follows it in the backup; settings at its end are for that. */
  readonly next: string;
  /** The digest of what the restored database gives for it. */
  readonly digest: string;
  /** Where both texts can be shown: what of them differs. */
  readonly texts: Texts | undefined;
}

export interface Comparison {
  /** What is lost, or not as it was, whatever PostgreSQL may print otherwise. */
  readonly damage: readonly Problem[];
  /** By the keys of {@link DumpedAgain}. */
  readonly otherwise: ReadonlyMap<string, Otherwise>;
}

/** The dump of a database that was loaded from a backup, with what is needed to compare it. */
export interface DumpedAgain {
  readonly objects: readonly DumpObject[];
  /** Of the object with a key: its text, or what stands around the rows of a table; as if headers named the owners in the backup. */
  digestOf(key: string): string | undefined;
}

/** Their definitions may hold passwords, so nothing of them is shown. */
const SECRETIVE: readonly string[] = ['USER MAPPING', 'SUBSCRIPTION', 'SERVER'];
/** What holds data: PostgreSQL has no other way to print it. */
const DATA: readonly string[] = ['BLOBS', 'SEQUENCE SET'];
/** What stands for the order of all objects. */
export const ORDER = 'the order of the objects';
export const MAX_NAMED = 50;
const MAX_KEPT_BYTES = 64 << 10;

/** Dumps a database as the backup was dumped. `onBytes` is given the text as it passes. */
export async function dumpAgain(
  backup: OpenBackup,
  input: CompareInput,
  signal: AbortSignal | undefined,
  options: { onBytes?: (bytes: Buffer) => void; keep?: (key: string, text: Buffer) => void } = {},
): Promise<DumpedAgain> {
  const { selection, restrictKey, settings } = factsOf(backup);
  const expected = keyed((await openIndex(backup)).objects);
  const [headers, definitions, tables] = [new Numbered(), new Numbered(), new Numbered()];
  const frames = new Map<string, string>();
  const summary = await scanDump(
    {
      ...{ ...input, selection, restrictKey, signal },
      ...{ snapshot: undefined, lockWaitTimeoutSeconds: undefined },
      encoding: settings['encoding'],
      withoutUnlogged: surroundingsOf(settings).standby,
      failure: 'RESTORE_DIFFERS',
    },
    {
      ownerOf: (header) => expected.get(headers.key(header))?.owner,
      onDefinition: (object, text) => {
        const key = definitions.key(object);
        if (expected.get(key)?.sha256 !== object.sha256) options.keep?.(key, text);
      },
      onRows: (object, frame) => {
        const key = tables.key(object);
        if (expected.get(key)?.sha256 !== object.sha256) frames.set(key, digestOf(frame));
      },
    },
    options.onBytes,
  );
  const found = keyed(summary.objects);
  const ordered = summary.objects.filter(({ type }) => !DATA_TYPES.includes(type));
  const order = digestOf(Buffer.from(ordered.map(titleOf).join('\n')));
  return {
    objects: summary.objects,
    digestOf: (key) => (key === ORDER ? order : (frames.get(key) ?? found.get(key)?.sha256)),
  };
}

/** What the dump of a database holds otherwise than the backup; nothing when it has the same bytes. */
export async function compareDumps(
  backup: OpenBackup,
  input: CompareInput,
  work: Work,
): Promise<Comparison> {
  const { objects } = await openIndex(backup);
  const texts = new Map<string, Buffer>();
  const again = await dumpAgain(backup, input, work.signal, {
    keep: (key, text) => {
      if (texts.size < MAX_NAMED) texts.set(key, Buffer.from(text.subarray(0, MAX_KEPT_BYTES)));
    },
  });
  const expected = keyed(objects);
  const found = keyed(again.objects);
  const differences = new Differences(backup, input, work);
  const damage: Problem[] = [];
  const otherwise = new Map<string, Otherwise>();
  for (const [at, [key, object]] of [...expected].entries()) {
    const other = found.get(key);
    if (other?.sha256 === object.sha256) continue;
    const problems =
      other === undefined
        ? [absent(object, 'missing', 'the backup has it')]
        : await differences.inData(object, texts.get(key));
    damage.push(...problems.slice(0, MAX_NAMED - damage.length));
    if (other === undefined || problems.length > 0) continue;
    const shown = await differences.texts(object, texts.get(key));
    if (shown === 'none') continue;
    const digest = again.digestOf(key) ?? '';
    otherwise.set(key, {
      title: titleOf(object),
      next: titleAt(objects, at + 1),
      digest,
      texts: shown,
    });
  }
  for (const [key, object] of found) {
    if (!expected.has(key) && damage.length < MAX_NAMED)
      damage.push(absent(object, 'unexpected', 'the backup does not have it'));
  }
  const sameOrder = objects.every((object, i) => titleOf(object) === titleAt(again.objects, i));
  if (damage.length === 0 && !sameOrder) {
    const digest = again.digestOf(ORDER) ?? '';
    otherwise.set(ORDER, {
      title: ORDER,
      next: '',
      digest,
      texts: orderOf(objects, again.objects),
    });
  }
  return { damage, otherwise };
}

function titleAt(objects: readonly DumpObject[], at: number): string {
  return titleOf(objects[at] ?? NONE);
}

const NONE = { type: 'END', schema: '-', name: '' };

/** Keys of objects: their titles; those of one title are numbered. */
class Numbered {
  private readonly counts = new Map<string, number>();

  key(object: Pick<Header, 'name' | 'type' | 'schema'>): string {
    const title = titleOf(object);
    const count = (this.counts.get(title) ?? 0) + 1;
    this.counts.set(title, count);
    return count === 1 ? title : `${title} (${count})`;
  }
}

function keyed(objects: readonly DumpObject[]): Map<string, DumpObject> {
  const numbered = new Numbered();
  return new Map(objects.map((object) => [numbered.key(object), object]));
}

function digestOf(text: Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}

function absent(object: DumpObject, code: string, detail: string): Problem {
  return { path: titleOf(object), code, detail };
}

function orderOf(a: readonly DumpObject[], b: readonly DumpObject[]): Texts {
  const at = a.findIndex((object, i) => titleOf(object) !== titleOf(b[i] ?? NONE));
  return { expected: titleOf(a[at] ?? NONE), found: titleOf(b[at] ?? NONE) };
}

/** How single objects differ from those of a backup. */
class Differences {
  private readonly backup: OpenBackup;
  private readonly input: CompareInput;
  private readonly work: Work;
  private readonly decode: Decode;
  private filters: Promise<ReadonlyMap<string, string>> | undefined;

  constructor(backup: OpenBackup, input: CompareInput, work: Work) {
    this.backup = backup;
    this.input = input;
    this.work = work;
    this.decode = decoderOf(factsOf(backup).settings['encoding'] ?? 'UTF8');
  }

  private stored({ offset, bytes }: DumpObject): AsyncIterable<Buffer> {
    const range = { from: offset, to: offset + bytes };
    return this.input.text?.(range) ?? dumpText(this.backup, { ...this.work, range });
  }

  /** What differs in rows, large objects and sequences, by what they hold; nothing of definitions. */
  async inData(object: DumpObject, text: Buffer | undefined): Promise<Problem[]> {
    const path = titleOf(object);
    if (object.type === 'TABLE DATA') {
      this.filters ??= this.readFilters();
      return compareRows(path, this.stored(object), {
        ...this.input,
        encoding: factsOf(this.backup).settings['encoding'],
        filter: (await this.filters).get(`${object.schema}.${object.name}`),
        signal: this.work.signal,
      });
    }
    if (!DATA.includes(object.type)) return [];
    if (object.type === 'BLOBS') {
      return [{ path, code: 'content', detail: 'large objects hold other bytes' }];
    }
    const texts = await this.texts(object, text);
    return [{ path, code: 'content', detail: differenceOf(texts === 'none' ? undefined : texts) }];
  }

  /** Both texts of a definition where they differ; undefined where they cannot be shown, `none` where they say the same. */
  async texts(object: DumpObject, text: Buffer | undefined): Promise<Texts | undefined | 'none'> {
    if (object.type === 'TABLE DATA') return COLUMNS;
    if (text === undefined || SECRETIVE.includes(object.type)) return undefined;
    const parts: Buffer[] = [];
    for await (const part of this.stored(object)) parts.push(Buffer.from(part));
    const whole = Buffer.concat(parts);
    const expected = this.decode(whole.subarray(0, MAX_KEPT_BYTES));
    const texts = differingLines(meaning(object, expected), meaning(object, this.decode(text)));
    return texts ?? (object.type === 'BEGIN' && whole.length < MAX_KEPT_BYTES ? 'none' : undefined);
  }

  private async readFilters(): Promise<ReadonlyMap<string, string>> {
    const { signal } = this.work;
    await using session = new DatabaseSession({
      ...this.input,
      signal,
      failure: 'RESTORE_DIFFERS',
    });
    return await readRowFilters(session);
  }
}

/** Columns stand in the statement that announces the rows. */
const COLUMNS: Texts = {
  expected: 'its rows with their columns in one order',
  found: 'the same rows with their columns in another order',
};

/** Which server and which pg_dump made a dump is no difference of the database, nor how long a session may wait; nor is a header. */
function meaning({ type }: DumpObject, text: string): string[] {
  const lines = text.split('\n');
  return type === 'BEGIN'
    ? lines.filter((line) => !/^(?:-- Dumped (?:from|by) |SET \w+_timeout = 0;$)/.test(line))
    : lines.filter((line) => !/^-- (?:Data for )?Name: /.test(line));
}

/** What is said of an object that is not as it was. */
export function differenceOf(texts: Texts | undefined): string {
  if (texts === undefined) return 'it is defined otherwise';
  return `expected ${shownLines(texts.expected)}, found ${shownLines(texts.found)}`;
}
