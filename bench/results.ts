// What a run measured, and the medians and ratios that are read from it. Pure.
import type { Usage } from './measure.ts';
import type { Operation } from './peers/tool.ts';
import type { Subject, TreeSize } from './trees.ts';

/** One measured command. */
export interface Sample extends Usage {
  readonly tool: string;
  readonly operation: Operation;
  readonly round: number;
  /** By how much the tool's store grew. */
  readonly storedBytes: number;
}

/** A command that failed, or that restored something else than was backed up. */
export interface Failure {
  readonly tool: string;
  readonly operation: Operation;
  readonly round: number;
  readonly message: string;
}

/** The results of one tree, or of the database. */
export interface TreeResult extends TreeSize {
  readonly kind: Subject;
  readonly scale: number;
  readonly rounds: number;
  /** When it was measured, as an ISO time. */
  readonly measuredAt: string;
  readonly samples: readonly Sample[];
  readonly failures: readonly Failure[];
}

/** Where a run took place. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  /** Where the trees and stores were: the kind of file system. */
  readonly fileSystem: string;
}

/** A whole run, as `--json` writes it. */
export interface Results {
  readonly machine: Machine;
  /** The version of each tool by its name; null for one that is not installed. */
  readonly versions: Readonly<Record<string, string | null>>;
  readonly trees: readonly TreeResult[];
}

/** The middle of `values`, the mean of the two middle ones of an even number; undefined of none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}

/** The samples of one tool and operation. */
export function samplesOf(tree: TreeResult, tool: string, operation: Operation): Sample[] {
  return tree.samples.filter((one) => one.tool === tool && one.operation === operation);
}

/** A figure's median over the rounds; undefined when it was not measured. */
export function medianOf(
  tree: TreeResult,
  cell: { readonly tool: string; readonly operation: Operation },
  figure: 'wallSeconds' | 'cpuSeconds' | 'storedBytes',
): number | undefined {
  const values = samplesOf(tree, cell.tool, cell.operation).map((sample) => sample[figure]);
  return median(values.filter((value) => value !== undefined));
}

/** The highest memory of any round, in bytes; undefined when it was not measured. */
export function peakOf(tree: TreeResult, tool: string, operation?: Operation): number | undefined {
  const peaks = tree.samples
    .filter((one) => one.tool === tool && (operation === undefined || one.operation === operation))
    .map((sample) => sample.peakRssBytes)
    .filter((peak) => peak !== undefined);
  return peaks.length === 0 ? undefined : Math.max(...peaks);
}

/** One tool doing one operation. */
export interface Cell {
  readonly tool: string;
  readonly operation: Operation;
}

/**
 * How many times as long `slower` took as `faster`: the median of the rounds' ratios, so that a machine which slows down for a
 * round does not decide. Undefined when no round has both.
 */
export function ratio(tree: TreeResult, slower: Cell, faster: Cell): number | undefined {
  const base = new Map(
    samplesOf(tree, faster.tool, faster.operation).map((one) => [one.round, one.wallSeconds]),
  );
  const ratios = samplesOf(tree, slower.tool, slower.operation).flatMap((sample) => {
    const own = base.get(sample.round);
    return own === undefined ? [] : [sample.wallSeconds / own];
  });
  return median(ratios);
}
