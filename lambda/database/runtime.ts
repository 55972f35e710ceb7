// What the image of the database functions runs: the handler that its command names, for one event after the other.
import process from 'node:process';
import { serve } from '../../lib/functions/runtime.ts';

await serve(process.argv[2]);
