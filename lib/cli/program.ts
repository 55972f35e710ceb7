// The program: all commands, whose options are in definitions/. What a command does is loaded when it is called, so that each starts fast.
import { Command } from 'commander';
import { VERSION } from '../version.ts';
import { addBackup, addPins, addProofs, addRetention } from './definitions/backup.ts';
import { addAfterRestore, addRestore } from './definitions/restore.ts';
import { addSetUp } from './definitions/set-up.ts';
import { addStack, addTrigger } from './definitions/stack.ts';
import { addViews } from './definitions/views.ts';
import { addWatch } from './definitions/watch.ts';
import { commonOptions } from './definitions/shared.ts';
import type { Run } from './invocation.ts';
import type { CommonOptions } from './session.ts';

/** The program; the exit code of the command that it runs is put into `outcome`. */
export function buildProgram(outcome: { exit: number }, signal: AbortSignal): Command {
  const program = new Command('holdfast')
    .description('Backs up web systems, and proves that the backups restore.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(see --help)')
    .configureHelp({ showGlobalOptions: true })
    // What every command takes is also taken before its name.
    .enablePositionalOptions();
  for (const option of commonOptions()) program.addOption(option.hideHelp());

  const command = <Options>(
    usage: string,
    about: string,
    load: () => Promise<{ run: Run<Options> }>,
  ): Command => {
    const [name = '', ...args] = usage.split(' ');
    const made = program.command(name).description(about);
    for (const arg of args) made.argument(arg);
    for (const option of commonOptions()) made.addOption(option);
    return made.action(async (...given: unknown[]) => {
      const names = given
        .slice(0, -2)
        .flat()
        .filter((one) => typeof one === 'string');
      const { run } = await load();
      const options = { ...program.opts(), ...made.opts<CommonOptions & Options>() };
      outcome.exit = await run(names, { options, signal });
    });
  };

  addSetUp(command);
  addWatch(command);
  addStack(command);
  addBackup(command);
  addTrigger(command);
  addProofs(command);
  addRestore(command);
  addAfterRestore(command);
  addRetention(command);
  addPins(command);
  addViews(command);
  return program;
}
