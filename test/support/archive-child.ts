// Runs one backup as a process of its own, for what depends on who it is or on how much it takes: prints what came of it as JSON.
import process from 'node:process';
import { backUp, prove } from './archives.ts';

const [folder = '', workers = '0', level] = process.argv.slice(2);
try {
  const backup = await backUp(folder, { workers: Number(workers) });
  const proof =
    level === undefined
      ? undefined
      : await prove(backup, level as 'content', { workers: Number(workers) });
  process.stdout.write(
    JSON.stringify({
      problems: [...backup.problems, ...(proof?.problems ?? [])],
      totals: backup.manifest.totals,
      maxRssBytes: process.resourceUsage().maxRSS * 1024,
    }),
  );
} catch (error) {
  process.stdout.write(JSON.stringify({ code: (error as { code?: unknown }).code }));
}
