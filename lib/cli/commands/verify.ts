// `holdfast verify`: proves backups and names every damaged entry.
import { chooseBackups, openBackup } from '../../engine/catalog/backups.ts';
import { repairOf } from '../../engine/catalog/repairs.ts';
import { surveySource } from '../../engine/catalog/survey.ts';
import type { Engine } from '../../engine/engine.ts';
import { testedFacts } from '../../engine/tested.ts';
import { verifyBackup, type VerifyResult } from '../../engine/verify.ts';
import { readOnce, type Memory } from '../../engine/memory.ts';
import { ERRORS, type Problem } from '../../errors.ts';
import { needsSeveral } from '../../sources/postgres/dump/transactions.ts';
import type { ProofLevel } from '../../sources/source.ts';
import { problemLines } from '../output/problems.ts';
import { telling } from '../telling.ts';
import { openSession } from '../session.ts';
import { Terminal } from '../output/terminal.ts';
import { readText } from '../output/read-text.ts';
import { durationText } from '../output/units.ts';

interface Options {
  readonly level: ProofLevel;
  readonly all?: boolean;
}

export const run = telling<Options>('verify', async (names, { options, signal }) => {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  await using session = await openSession({
    options,
    signal,
    signing: 'optional',
    onProgress: terminal.progress,
  });
  const { engine } = session;
  const results: Verified[] = [];
  const { level } = options;
  const memory = readOnce();
  for (const backup of await chooseBackups(engine, names, options.all === true)) {
    results.push(await verifyOne(engine, backup, { level, terminal, memory, before: results }));
  }
  const unkept = results.find(({ record }) => record === undefined);
  if (unkept !== undefined) {
    const why = unkept.unrecorded ?? session.unsigned ?? 'there is no key to sign it with';
    terminal.note(`no evidence was kept: ${why}`);
  }
  terminal.document({ command: 'verify', backups: results });
  return results.every(isSound) ? 0 : ERRORS.BACKUP_DAMAGED.exit;
});

/** The good backup that repairs a damaged one, as `source/id`. */
export interface Verified extends VerifyResult {
  readonly repairedBy?: string;
}

/** Whether nothing is left to do: it is proven, or a good backup repairs what was found. */
export function isSound({ verdict, repairedBy }: Verified): boolean {
  return verdict === 'proven' || (verdict === 'damaged' && repairedBy !== undefined);
}

async function withRepair(engine: Engine, result: VerifyResult): Promise<Verified> {
  const { source, id, verdict } = result;
  if (verdict !== 'damaged') return result;
  const repair = repairOf((await surveySource(engine, source)).backups, id);
  return repair === undefined ? result : { ...result, repairedBy: `${source}/${repair.id}` };
}

interface OneOfSeveral {
  readonly level: ProofLevel;
  readonly terminal: Terminal;
  readonly memory: Memory;
  /** What was said of others before. */
  readonly before: readonly Verified[];
}

/** Verifies one backup, and says how that went. */
export async function verifyOne(
  engine: Engine,
  backup: { source: string; id: string },
  { level, terminal, memory, before }: OneOfSeveral,
): Promise<Verified> {
  terminal.start(`verifying ${backup.source}/${backup.id}`);
  const result = await withRepair(engine, await verifyBackup(engine, backup, level, memory));
  terminal.stop();
  say(terminal, result, before);
  if (result.verdict === 'proven' && (await loadsInSeveral(engine, backup)))
    terminal.done(
      '  noted: it may load in several transactions only: restore with --several-transactions, to a new database',
    );
  return result;
}

async function loadsInSeveral(
  engine: Engine,
  backup: { source: string; id: string },
): Promise<boolean> {
  const { manifest } = await openBackup(engine, backup.source, backup.id);
  return needsSeveral(manifest, await testedFacts(engine, backup));
}

function say(terminal: Terminal, result: Verified, before: readonly Verified[]): void {
  const { source, id, level, verdict, durationMs, problems, alsoDamaged = [] } = result;
  const { repairedBy } = result;
  const colour = isSound(result) ? (verdict === 'proven' ? 'green' : 'yellow') : 'red';
  const mark = terminal.paint(colour, verdict);
  const tell = (text: string) => {
    if (isSound(result)) terminal.done(text);
    else terminal.line(text);
  };
  tell(`${mark}  ${source}/${id}  ${level}: ${readText(result)} in ${durationText(durationMs)}`);
  // Damage in a file that several backups share is shown with the first of them.
  const told = before.filter((one) => one.source === source && one.alsoDamaged?.includes(id));
  const known = told.flatMap((one) => one.problems);
  for (const line of problemLines(problems.filter((one) => !isAmong(one, known))))
    tell(`  ${line}`);
  for (const { id: first } of told)
    tell(`  damaged: it shares what is damaged in ${source}/${first}`);
  if (alsoDamaged.length > 0 && told.length === 0)
    tell(
      `  also damaged, as they share this: ${alsoDamaged.map((one) => `${source}/${one}`).join(', ')}`,
    );
  if (repairedBy !== undefined) tell(`  repaired by ${repairedBy}`);
  else if (verdict === 'damaged')
    tell(`  next: holdfast repair ${source}/${id} takes what is damaged from other backups`);
}

function isAmong({ path, detail }: Problem, known: readonly Problem[]): boolean {
  return known.some((one) => one.path === path && one.detail === detail);
}
