// The configuration from which a stack is made.
import process from 'node:process';
import type { Config } from '../config.ts';
import { homeFolder } from './home.ts';
import { loadConfig } from './load.ts';

/** A configuration, and the time at which it was read. */
export interface ForStack {
  readonly config: Config;
  readonly now: Date;
}

/**
 * Loads `file`, or the holdfast.yaml that is found in the working folder or above it. Variables of this shell, such as HOLDFAST_STORE,
 * have no influence: a stack is made from its file alone. `CONFIG_INVALID` as {@link loadConfig} throws it.
 */
export function loadForStack(file: string | undefined): ForStack {
  const now = new Date();
  const where = { cwd: process.cwd(), home: homeFolder(), env: {}, now };
  return { now, config: loadConfig({ ...where, configPath: file, namedBy: 'configFile' }) };
}
