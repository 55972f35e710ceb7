#!/usr/bin/env node
// The command line. Compiled code is kept in a private cache, so that the next command starts in half the time.
import module from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { homeFolder } from '../lib/config/load/home.ts';
import { NODE_ADVICE, nodeRefusal } from '../lib/version.ts';

const refusal = nodeRefusal(process.versions.node);
if (refusal !== undefined) {
  process.stderr.write(`error: ${refusal}\n  hint: ${NODE_ADVICE}\n`);
  process.exit(1);
}

// Not the default place in /tmp: what is in the cache is executed, so nobody else may write it.
const home = homeFolder();
const caches =
  process.env['XDG_CACHE_HOME'] ?? (home === '' ? undefined : path.join(home, '.cache'));
if (caches !== undefined) module.enableCompileCache(path.join(caches, 'holdfast'));

const { main } = await import('../lib/cli/main.ts');
process.exitCode = await main(process.argv);
