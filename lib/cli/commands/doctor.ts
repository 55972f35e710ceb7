// `holdfast doctor`: looks at everything that a backup or a restore depends on, and says what to do. Changes nothing.
import os from 'node:os';
import process from 'node:process';
import type { Config } from '../../config/config.ts';
import { contactWarnings } from '../../config/contact-warnings.ts';
import { formatFault } from '../../config/rules/faults.ts';
import { readConfig } from '../../config/load/load.ts';
import { HoldfastError } from '../../errors.ts';
import { storePlaceOf } from '../../names/store-place.ts';
import { failure } from '../doctor/failure.ts';
import { ok, problem, warning, type DoctorFinding, type SeenSource } from '../doctor/finding.ts';
import { examineKeys } from '../doctor/keys.ts';
import { examineMachine } from '../doctor/machine.ts';
import { examineSource } from '../doctor/sources.ts';
import { examineSite } from '../doctor/site.ts';
import { examineStack } from '../doctor/stack.ts';
import { remoteFinding } from '../doctor/sources.ts';
import { examineTimers } from '../doctor/timers.ts';
import type { Invocation } from '../invocation.ts';
import { findRunLeftovers, placesOfLeftovers } from '../leftovers.ts';
import { thisHost } from '../schedule/host.ts';
import { openSession, placesOf, userName } from '../session.ts';
import { aboutStore } from '../store/about.ts';
import { Terminal } from '../output/terminal.ts';
import { counted } from '../output/units.ts';

interface Options {
  readonly deep?: boolean;
}

export async function run(_: string[], invocation: Invocation<Options>): Promise<number> {
  const { options } = invocation;
  const quiet = options.quiet === true;
  const terminal = new Terminal({ json: options.json === true, quiet });
  const findings = await examine(invocation);
  for (const finding of findings) {
    if (finding.level !== 'ok' || !quiet) say(terminal, finding);
  }
  const count = (level: DoctorFinding['level']) =>
    findings.filter((one) => one.level === level).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  const counts = (text: string) => {
    if (problems + warnings === 0) terminal.done(text);
    else terminal.line(text);
  };
  counts(`${counted(problems, 'problem')}, ${counted(warnings, 'warning')}`);
  terminal.document({ command: 'doctor', problems, warnings, findings });
  return problems > 0 ? 1 : 0;
}

const STYLES = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

function say(terminal: Terminal, { level, area, message, advice }: DoctorFinding): void {
  const mark = terminal.paint(STYLES[level], level.padEnd(7));
  const text = `${mark}  ${area.padEnd(13)}  ${message}`;
  if (level === 'ok') terminal.done(text);
  else terminal.line(text);
  if (advice !== undefined) terminal.line(`${' '.repeat(24)}${advice}`);
}

async function examine({ options, signal }: Invocation<Options>): Promise<DoctorFinding[]> {
  const { config, findings } = examineConfig(options);
  const seen: SeenSource[] = [];
  if (config !== undefined) {
    for (const { message, advice } of contactWarnings(config, new Date()))
      findings.push(warning('messages', message, advice));
    findings.push(...(await examineKeys(config)), ...(await examineStack(config)));
    if (config.aws?.recoveryPoints !== undefined) {
      const { examineRecoveryPoints } = await import('../doctor/recovery-points.ts');
      findings.push(...(await examineRecoveryPoints(config)));
    }
    findings.push(...(await examineSite(config, new Date())));
    for (const source of config.sources) {
      if (source.kind === 'postgres') {
        const { examineDatabase } = await import('../doctor/databases.ts');
        findings.push(...(await examineDatabase(config, source)));
        continue;
      }
      if (source.kind !== 'files') {
        findings.push(remoteFinding(config, source));
        continue;
      }
      const looked = examineSource(config, source, { deep: options.deep === true });
      findings.push(...looked.findings);
      seen.push({ ...source, contentBytes: looked.contentBytes });
    }
  }
  if (config !== undefined || options.store !== undefined) {
    findings.push(...(await examinePlace({ options, signal }, config, seen)));
  }
  if (config !== undefined) findings.push(...(await examineTimers(config, thisHost(userName()))));
  const machine = {
    nodeVersion: process.versions.node,
    searchPath: process.env['PATH'] ?? '',
    scratch: os.tmpdir(),
  };
  for (const { path, abandoned } of await findRunLeftovers(
    placesOfLeftovers(config, machine.scratch),
    new Date(),
  )) {
    findings.push(leftoverFinding(path, abandoned));
  }
  const largest = Math.max(0, ...seen.map(({ contentBytes }) => contentBytes));
  return [...findings, ...(await examineMachine(machine, config, largest))];
}

function leftoverFinding(path: string, abandoned: boolean): DoctorFinding {
  return abandoned
    ? warning('machine', `${path} was left by a run that was killed`, 'The next backup removes it.')
    : warning(
        'machine',
        `${path} is of a run that is under way, or was killed within a day`,
        'A backup removes it when nothing in it has changed for a day.',
      );
}

/** Findings about the store. */
async function examinePlace(
  { options, signal }: Invocation<Options>,
  config: Config | undefined,
  seen: readonly SeenSource[],
): Promise<DoctorFinding[]> {
  const asked = { options, signal, signing: 'none', stackKeys: 'told' } as const;
  try {
    await using session = await openSession(asked);
    const { doubt, engine } = session;
    const advice =
      'See whether the right disk is mounted and `store` is as it was; no backup is made until it is.';
    return [
      ...(doubt === undefined ? [] : [problem('store', doubt, advice)]),
      ...(await aboutStore(engine.store.url).examine(engine, config, seen)),
    ];
  } catch (error) {
    const found = failure('store', error);
    const place = config?.store ?? options.store ?? '';
    const about = storePlaceOf(place) && aboutStore(place);
    if (!(error instanceof HoldfastError) || about?.examinedWithoutStore !== true) return [found];
    const unneeded = { ...asked, store: 'unneeded' } as const;
    await using session = await openSession(unneeded).catch(failedAsBefore(error));
    if (session === undefined) return [found];
    // What a bucket answers that is not there or refuses is told by name.
    const known = error.code === 'STORE_NOT_FOUND' ? [found] : [];
    return [...known, ...(await about.examine(session.engine, config, seen))];
  }
}

/** Nothing for the same failure again: it does not depend on the store. */
function failedAsBefore({ code }: HoldfastError): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof HoldfastError) || error.code !== code) throw error;
  };
}

function examineConfig(options: Invocation['options']): {
  config: Config | undefined;
  findings: DoctorFinding[];
} {
  try {
    const { config, faults, file } = readConfig(placesOf(options));
    const advice = 'Correct it; docs/configuration.md describes every option.';
    const findings = faults.map((fault) => problem('configuration', formatFault(fault), advice));
    if (config !== undefined) findings.push(ok('configuration', `${file}: ${config.system}`));
    return { config, findings };
  } catch (error) {
    const found = failure('configuration', error);
    // A store can be restored from without a configuration, which is what --store alone is for.
    const alone = options.store !== undefined && options.config === undefined;
    const finding = alone
      ? warning('configuration', found.message, 'Enough to restore; backups need one.')
      : found;
    return { config: undefined, findings: [finding] };
  }
}
