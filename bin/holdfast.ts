#!/usr/bin/env node
// The command line. Compiled code is kept in a private cache, so that the next command starts in half the time.
import module from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { homeFolder } from '../lib/config/load/home.ts';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  process.stderr.write(`error: holdfast needs Node 22.15 or newer, this is ${process.version}\n`);
  process.exit(1);
}

// Not the default place in /tmp: what is in the cache is executed, so nobody else may write it.
const home = homeFolder();
const caches =
  process.env['XDG_CACHE_HOME'] ?? (home === '' ? undefined : path.join(home, '.cache'));
if (caches !== undefined) module.enableCompileCache(path.join(caches, 'holdfast'));

const { main } = await import('../lib/cli/main.ts');
process.exitCode = await main(process.argv);
