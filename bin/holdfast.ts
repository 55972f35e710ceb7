#!/usr/bin/env node
// The command line.
import process from 'node:process';
import { main } from '../lib/cli/main.ts';

process.exitCode = await main(process.argv);
