// What a deployment changes, read from what `cdk diff` prints. What is not understood is an error: a change that nobody saw could be the
// loss of all backups. Pure.
import { stripVTControlCharacters } from 'node:util';
import { HoldfastError } from '../../errors.ts';

export interface Change {
  readonly change: 'add' | 'remove' | 'update' | 'import';
  /** `AWS::S3::Bucket` */
  readonly type: string;
  /** The logical id. */
  readonly id: string;
  /** `replace`, `may be replaced`, `destroy`, `orphan`; empty when the resource stays what it is. */
  readonly impact: string;
}

/** A resource of a template; a stack has several templates when others are nested in it. */
export interface TemplateResource {
  /** The logical id. */
  readonly id: string;
  readonly type: string;
}

/** What holds backups, or decides whether they can be read. */
const PROTECTED = [
  'AWS::S3::Bucket',
  'AWS::KMS::Key',
  'AWS::Backup::BackupVault',
  'AWS::Backup::LogicallyAirGappedBackupVault',
];
const MARKS = { '+': 'add', '-': 'remove', '~': 'update', '←': 'import' } as const;
const LINE = /^\[([-+~←])\] (\S+) (.+)$/u;
const IMPACT = / (replace|may be replaced|destroy|orphan|import)$/;
const RESOURCES = 'Resources';
/** Lines of which one is there at least, unless the words of this cdk are other ones. */
const SECTIONS = [RESOURCES, 'There were no differences', 'Outputs', 'Parameters', 'Other Changes'];
/** Said behind the impact where a resource may as well have been moved to another stack. */
const MOVED = / \(OR move [^)]*\)$/;

/**
 * The changes in the output of `cdk diff` for one stack and those nested in it, whose new templates have `resources`.
 *
 * `COMMAND_FAILED` for a line about a resource that is not understood.
 */
export function changesIn(output: string, resources: readonly TemplateResource[]): Change[] {
  const lines = stripVTControlCharacters(output).split(/\r?\n/);
  const known = new Set(resources.map(({ id, type }) => `${type} ${id}`));
  if (!lines.some((line) => SECTIONS.includes(line))) {
    throw notUnderstood(lines.find((line) => line.trim() !== '') ?? 'nothing');
  }
  return resourceLines(lines).map((line) => changeIn(line, known));
}

/** What stands under each heading `Resources`, one line for each resource, without the lines below it that say more. */
function resourceLines(lines: readonly string[]): string[] {
  const found: string[] = [];
  let within = false;
  for (const line of lines) {
    if (line === RESOURCES) within = true;
    else if (line.trim() === '') within = false;
    else if (within && /^\S/.test(line)) found.push(line.trimEnd());
  }
  return found;
}

function changeIn(line: string, known: ReadonlySet<string>): Change {
  const [, mark = '', type = '', rest = ''] = LINE.exec(line) ?? [];
  const change = MARKS[mark as keyof typeof MARKS] as Change['change'] | undefined;
  const told = rest.replace(MOVED, '');
  const impact = IMPACT.exec(told)?.[1] ?? '';
  const id = told.replace(IMPACT, '').split(' ').at(-1) ?? '';
  // What is removed is in no template any more; everything else has to be there, or the words of this cdk are other ones.
  if (change !== undefined && (change === 'remove' || known.has(`${type} ${id}`))) {
    return { change, type, id, impact };
  }
  throw notUnderstood(line);
}

function notUnderstood(line: string): HoldfastError {
  return new HoldfastError('COMMAND_FAILED', `cdk diff says what is not understood here: ${line}`, {
    hint: 'Nothing was deployed. Install a release of aws-cdk that Holdfast allows (see its peerDependencies), or run cdk yourself with the templates that `holdfast synth` writes.',
  });
}

/** Those of `changes` by which a bucket, a key or a vault would be replaced, deleted or left behind. */
export function losses(changes: readonly Change[]): Change[] {
  return changes.filter(
    ({ change, type, impact }) =>
      PROTECTED.includes(type) && (change === 'remove' || !['', 'import'].includes(impact)),
  );
}
