#!/usr/bin/env node
// The command line. Compiled code is kept in a private cache, so that the next command starts in half the time.
import { enableCompileCache } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';

// Not the default place in /tmp: what is in the cache is executed, so nobody else may write it.
const caches = process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache');
enableCompileCache(path.join(caches, 'holdfast'));

const { main } = await import('../lib/cli/main.ts');
process.exitCode = await main(process.argv);
