// What people see: text on standard output, progress and warnings on standard error, or one JSON document and nothing else.
import process from 'node:process';
import { styleText } from 'node:util';
import type { Progress } from '../../sources/source.ts';
import { jsonText } from './json.ts';
import { bytesText, durationText } from './units.ts';

type Style = Parameters<typeof styleText>[0];

const REDRAW_MS = 100;
const CLEAR_LINE = '\r\u001b[2K';

export interface TerminalOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Writes what a command has to say. Nothing is written to standard output but results. */
export class Terminal {
  readonly json: boolean;
  private readonly quiet: boolean;
  private readonly live: boolean;
  private label = '';
  private begin = 0;
  private drawn = 0;
  private shown = false;

  constructor({ json, quiet }: TerminalOptions) {
    this.json = json;
    this.quiet = quiet;
    this.live = process.stderr.isTTY && !json && !quiet;
  }

  /** A line of the result; nothing with `--json`, whose document says it. */
  line(text = ''): void {
    this.clear();
    if (!this.json) process.stdout.write(`${text}\n`);
  }

  /** As {@link line}, of what went as it should: not with `--quiet`, so that cron mails only what is wrong. */
  done(text = ''): void {
    if (!this.quiet) this.line(text);
  }

  /** What a user must not miss, whatever the output is used for. */
  warn(text: string): void {
    this.clear();
    if (!this.json) process.stderr.write(`${this.paint('yellow', 'warning:')} ${text}\n`);
  }

  /** What failed, although the run goes on. */
  error(text: string): void {
    this.clear();
    if (!this.json) process.stderr.write(`${this.paint('red', 'error:')} ${text}\n`);
  }

  /** Said on the way; not with `--quiet`. */
  note(text: string): void {
    this.clear();
    if (!this.json && !this.quiet) process.stderr.write(`${text}\n`);
  }

  /** The result as a document, with `--json`. */
  document(value: object): void {
    this.piece(`${jsonText(value)}\n`);
  }

  /** A piece of a document that is too long to be held, with `--json`. */
  piece(text: string): void {
    if (this.json) process.stdout.write(text);
  }

  paint(style: Style, text: string): string {
    return styleText(style, text, { stream: process.stdout });
  }

  /** Begins a piece of work whose progress is drawn on a terminal. */
  start(label: string): void {
    this.label = label;
    this.begin = performance.now();
    this.drawn = 0;
  }

  /** Bound, so that it can be handed on. */
  readonly progress = (progress: Progress): void => {
    const now = performance.now();
    if (!this.live || this.label === '' || now - this.drawn < REDRAW_MS) return;
    this.drawn = now;
    this.shown = true;
    process.stderr.write(CLEAR_LINE + progressText(this.label, progress, now - this.begin));
  };

  private clear(): void {
    if (this.shown) process.stderr.write(CLEAR_LINE);
    this.shown = false;
  }

  /** Ends the progress of the work under way. */
  stop(): void {
    this.clear();
    this.label = '';
  }
}

/** One line: how much, how fast, and how long it will still take where that is known. */
export function progressText(label: string, progress: Progress, elapsedMs: number): string {
  const { bytes, totalBytes, entries } = progress;
  const perMs = elapsedMs > 0 ? bytes / elapsedMs : 0;
  const parts = [`${label}  ${entries} entries  ${bytesText(bytes)}`];
  if (totalBytes !== undefined && totalBytes > 0) {
    const share = Math.min(1, bytes / totalBytes);
    parts[0] = `${label}  ${String(Math.floor(share * 100)).padStart(3)} %  ${entries} entries  ${bytesText(bytes)}`;
    if (perMs > 0 && share < 1) parts.push(`${durationText((totalBytes - bytes) / perMs)} left`);
  }
  if (elapsedMs > 500) parts.push(`${bytesText(perMs * 1000)}/s`);
  return parts.join('  ');
}
