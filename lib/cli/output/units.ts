// Numbers as people read them.
import { durationText as durationInOneUnit } from '../../policy/durations.ts';

export { bytesText, timeText } from '../../policy/durations.ts';

/** `85 ms`, `1.2 s`, `3 min 20 s`, `5 h 10 min`, `12 d 3 h`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How long ago `then` was, in one unit: `45 s`, `90 min`, `25 h`, `3 days`. */
export function ageText(then: Date, now: Date): string {
  return durationInOneUnit(Math.max(0, now.getTime() - then.getTime()));
}

/** `1 file`, `2 files`; `2 entries`. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${grouped(n)} ${n === 1 ? one : many}`;
}

/** `615,039` */
export function grouped(n: number | string): string {
  // Not toLocaleString: to load what it knows of languages takes a third of what a whole command takes.
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Rows in columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
