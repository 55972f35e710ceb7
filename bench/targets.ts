// The speed and memory that Holdfast sets out to reach, and what a run says about each. Pure.
import type { Operation } from './peers/tool.ts';
import { medianOf, peakOf, ratio } from './results.ts';
import type { Results, TreeResult } from './results.ts';
import type { Subject } from './trees.ts';

type Kinds = readonly Subject[];

interface Target {
  readonly title: string;
  readonly kinds: Kinds;
  /** The figure that counts, or undefined when this run did not measure it. */
  readonly figure: (tree: TreeResult) => number | undefined;
  readonly limit: number;
  readonly sense: 'at least' | 'at most';
  readonly unit: '×' | ' ms' | ' MB';
}

/** A target and what became of it. */
export interface Verdict {
  readonly title: string;
  readonly kind: Subject;
  readonly wanted: string;
  readonly measured: string;
  readonly verdict: 'met' | 'NOT MET' | 'not measured';
}

const ALL: Kinds = ['site', 'small', 'mixed', 'sql'];
const DATABASE: Kinds = ['database'];
const MEGABYTE = 1e6;

interface Comparison {
  readonly operation: Operation;
  readonly peer: string;
  readonly own?: string;
  readonly title: string;
}

function faster(comparison: Comparison, kinds: Kinds, limit: number): Target {
  const { operation, peer, own = 'holdfast', title } = comparison;
  return {
    title,
    kinds,
    figure: (tree) => ratio(tree, { tool: peer, operation }, { tool: own, operation }),
    limit,
    sense: 'at least',
    unit: '×',
  };
}

const FIRST = {
  operation: 'first',
  peer: 'restic',
  title: 'first backup, against restic',
} as const;
const ZSTD = { operation: 'first', own: 'holdfast-zstd' } as const;
const UNCHANGED = {
  operation: 'unchanged',
  peer: 'restic',
  title: 'unchanged, against restic',
} as const;
const VERIFY = {
  operation: 'verify',
  peer: 'restic',
  title: 'verify `content`, against `restic check --read-data`',
} as const;

/** The variants with a folder as store. */
const LOCAL = ['holdfast', 'holdfast-default', 'holdfast-zstd'];

function onS3(operation: Operation, title: string): Comparison {
  return { operation, title, own: 'holdfast-s3', peer: 'restic-s3' };
}

function dump(peer: string, title: string, own = 'holdfast-dump'): Comparison {
  return { operation: 'first', title, own, peer };
}

/** How many times as long `own` takes as `peer`: the less the better. */
function dearer(comparison: Required<Comparison>, limit: number): Target {
  const { operation, peer, own, title } = comparison;
  return {
    title,
    kinds: DATABASE,
    figure: (tree) => ratio(tree, { tool: own, operation }, { tool: peer, operation }),
    limit,
    sense: 'at most',
    unit: '×',
  };
}

function memory(variants: readonly string[], kinds: Kinds, limit: number): Target {
  return {
    title: `peak RSS of any operation, ${variants === LOCAL ? 'every variant with a folder' : 'into a bucket'}`,
    kinds,
    figure: (tree) => {
      const peaks = variants.map((tool) => peakOf(tree, tool)).filter((peak) => peak !== undefined);
      return peaks.length === 0 ? undefined : Math.max(...peaks) / MEGABYTE;
    },
    limit,
    sense: 'at most',
    unit: ' MB',
  };
}

const TARGETS: readonly Target[] = [
  faster(FIRST, ['site'], 2.5),
  faster(FIRST, ['small'], 1.5),
  faster(FIRST, ['mixed', 'sql'], 1.3),
  faster({ ...ZSTD, peer: 'restic', title: 'first backup with zstd, against restic' }, ALL, 2),
  faster({ ...ZSTD, peer: 'borg', title: 'first backup with zstd, against borg' }, ALL, 1.2),
  faster(
    { operation: 'first', peer: 'script', title: 'first backup, against the usual npm script' },
    ALL,
    6,
  ),
  faster(UNCHANGED, ['site'], 8),
  faster(UNCHANGED, ['small', 'mixed', 'sql'], 3),
  faster({ operation: 'changed', peer: 'restic', title: '1 % changed, against restic' }, ALL, 2),
  faster(
    { operation: 'checkout', peer: 'restic', title: 'fresh checkout, against restic' },
    ALL,
    2,
  ),
  faster(VERIFY, ['site', 'small', 'mixed'], 1.8),
  faster(VERIFY, ['sql'], 1.3),
  {
    title: 'verify `digest`, against `content`',
    kinds: ['sql'],
    figure: (tree) =>
      ratio(
        tree,
        { tool: 'holdfast', operation: 'verify' },
        { tool: 'holdfast', operation: 'digest' },
      ),
    limit: 4,
    sense: 'at least',
    unit: '×',
  },
  faster({ operation: 'restore', peer: 'restic', title: 'full restore, against restic' }, ALL, 1.2),
  faster({ operation: 'restore', peer: 'tar', title: 'full restore, against `tar -xzf`' }, ALL, 1),
  faster(
    { operation: 'file', peer: 'restic', title: 'one file, against restic' },
    ['site', 'small', 'mixed', 'million'],
    10,
  ),
  {
    title: 'one file',
    kinds: ['site', 'mixed', 'million'],
    figure: (tree) => {
      const seconds = medianOf(tree, { tool: 'holdfast', operation: 'file' }, 'wallSeconds');
      return seconds === undefined ? undefined : seconds * 1000;
    },
    limit: 100,
    sense: 'at most',
    unit: ' ms',
  },
  faster(onS3('first', 'first backup into a bucket, against restic'), ['mixed'], 1.3),
  faster(onS3('unchanged', 'unchanged into a bucket, against restic'), ['mixed'], 3),
  memory(LOCAL, ALL, 256),
  memory(LOCAL, ['million'], 500),
  memory(['holdfast-s3'], ['mixed'], 350),
  faster(dump('gzip', 'dump, against `pg_dump` into `gzip -6`'), DATABASE, 3),
  faster(dump('pigz', 'dump, against `pg_dump` into `pigz -1`'), DATABASE, 1),
  faster(
    dump('pigz', 'dump with zstd, against `pg_dump` into `pigz -1`', 'holdfast-dump-zstd'),
    DATABASE,
    1.4,
  ),
  dearer(
    {
      ...{ operation: 'first', own: 'holdfast-dump', peer: 'dump-alone' },
      title: 'dump with facts, in times of one without',
    },
    1.25,
  ),
  dearer(
    {
      ...{ operation: 'restoreTest', own: 'holdfast-dump', peer: 'psql' },
      title: 'restore test, in times of `initdb` and `psql -f`',
    },
    1.5,
  ),
  {
    title: 'peak RSS of a dump',
    kinds: DATABASE,
    figure: (tree) => {
      const peaks = ['holdfast-dump', 'holdfast-dump-zstd'].map(
        (tool) => peakOf(tree, tool, 'first') ?? Infinity,
      );
      return Math.max(...peaks) / MEGABYTE;
    },
    limit: 200,
    sense: 'at most',
    unit: ' MB',
  },
];

function judge(target: Target, kind: Subject, tree: TreeResult | undefined): Verdict {
  const figure = tree === undefined ? undefined : target.figure(tree);
  const wanted = `${target.sense} ${target.limit}${target.unit}`;
  const named = { title: target.title, kind, wanted };
  if (figure === undefined) return { ...named, measured: '–', verdict: 'not measured' };
  const met = target.sense === 'at least' ? figure >= target.limit : figure <= target.limit;
  const digits = target.unit === '×' ? 2 : 0;
  return {
    ...named,
    measured: `${figure.toFixed(digits)}${target.unit}`,
    verdict: met ? 'met' : 'NOT MET',
  };
}

/** Every target, judged on the unrounded figures of `results`; what was not measured is never met. */
export function judgeTargets(results: Results): Verdict[] {
  return TARGETS.flatMap((target) =>
    target.kinds.map((kind) =>
      judge(
        target,
        kind,
        results.trees.find((tree) => tree.kind === kind),
      ),
    ),
  );
}
