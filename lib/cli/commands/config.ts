// `holdfast config validate` and `config show`: every fault at once, or all that is in effect with the defaults filled in.
import { stringify } from 'yaml';
import { formatFault } from '../../config/rules/faults.ts';
import { configError, readConfig } from '../../config/load/load.ts';
import { describeConfig } from '../../config/load/show.ts';
import { ERRORS } from '../../errors.ts';
import type { Invocation } from '../invocation.ts';
import { placesOf } from '../session.ts';
import { Terminal } from '../output/terminal.ts';
import { counted } from '../output/units.ts';

export function run([action = '']: string[], { options }: Invocation): number {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const read = readConfig(placesOf(options));
  return action === 'show' ? show(terminal, read) : validate(terminal, read);
}

type Read = ReturnType<typeof readConfig>;

function validate(terminal: Terminal, { file, config, faults }: Read): number {
  terminal.document({ command: 'config validate', file, valid: config !== undefined, faults });
  if (config !== undefined) {
    const names = config.sources.map(({ name }) => name).join(', ');
    terminal.line(
      `${file} is valid: the system ${config.system} with ${counted(config.sources.length, 'source')}, ${names}`,
    );
    return 0;
  }
  for (const fault of faults) terminal.line(formatFault(fault));
  terminal.note(`${counted(faults.length, 'fault')}; docs/configuration.md describes every option`);
  return ERRORS.CONFIG_INVALID.exit;
}

function show(terminal: Terminal, { file, config, faults }: Read): number {
  if (config === undefined) throw configError(file, faults);
  const described = describeConfig(config);
  terminal.line(stringify(described, { lineWidth: 0 }).trimEnd());
  terminal.document({ command: 'config show', config: described });
  return 0;
}
