// What the image runs as a task: one event, given in a variable, by the handler of the function that its command names.
import process from 'node:process';
import { runTask } from '../../lib/functions/task.ts';
import { handler as backup } from '../database-backup.ts';
import { handler as restoreTest } from '../database-restore-test.ts';

process.exitCode = await runTask(process.argv[2], process.env, {
  'database-backup': backup,
  'database-restore-test': restoreTest,
});
