// Which machine or account a message comes from, and where the commands run that it names. Pure.
import path from 'node:path';
import { CONFIG_NAMES } from '../config/places.ts';
import { plain } from './plain-text.ts';

export interface Sender {
  /** Who or what found it. */
  readonly from: string;
  /** Where its commands run, as a sentence. */
  readonly commands: string;
}

/** A user at a machine; `file` is the absolute path of the configuration. */
export function machineSender(userAtHost: string, file: string): Sender {
  const at = userAtHost.lastIndexOf('@');
  const [user, host] = [userAtHost.slice(0, at), userAtHost.slice(at + 1)];
  const { dir, base } = path.parse(file);
  const option = CONFIG_NAMES.some((name) => name === base) ? '' : ` and with --config ${base}`;
  return {
    from: `${user} on ${host}, ${file}`,
    commands: `Run these commands on ${host} in ${dir}, with npx before holdfast${option}.`,
  };
}

/** A stack; `arn` is that of any resource of it. */
export function stackSender(system: string, arn: string): Sender {
  const [, , , region = '', account = ''] = arn.split(':');
  return {
    from: `the stack in account ${account}, ${region}`,
    commands: `Run these commands in the folder with the holdfast.yaml of ${system}, signed in to account ${account}, with npx before holdfast.`,
  };
}

/** The first lines of a message. */
export function senderLines(system: string, { from }: Sender): string[] {
  return [`system   ${system}`, `from     ${plain(from, 300)}`];
}

/** The line below the commands. */
export function commandsLine({ commands }: Sender): string {
  return `where    ${plain(commands, 400)}`;
}
