// What the image runs as a task: one event, given in a variable, by the handler of the function that its command names.
import process from 'node:process';
import { runTask } from '../../lib/functions/task.ts';
import { handler as backup } from '../backup.ts';
import { handler as databaseBackup } from '../database-backup.ts';
import { handler as databaseRestoreTest } from '../database-restore-test.ts';
import { handler as restoreTest } from '../restore-test.ts';
import { handler as verify } from '../verify.ts';
import { handler as validateDatabase } from './validate-database.ts';

process.exitCode = await runTask(process.argv[2], process.env, {
  backup,
  verify,
  'restore-test': restoreTest,
  'database-backup': databaseBackup,
  'database-restore-test': databaseRestoreTest,
  'validate-recovery-point': validateDatabase,
});
