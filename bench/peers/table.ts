// Every tool that can be compared.
import { borg } from './borg.ts';
import { HOLDFAST, holdfastS3 } from './holdfast.ts';
import { restic, resticS3 } from './restic.ts';
import { script } from './script.ts';
import { tar } from './tar.ts';
import type { Tool } from './tool.ts';

/** The tools, in the order of a report's columns. */
export const TOOLS: readonly Tool[] = [
  ...HOLDFAST,
  restic,
  borg,
  tar,
  script,
  holdfastS3,
  resticS3,
];
