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

/** The logical ids of a template with their types. */
export type ResourceTypes = Readonly<Record<string, string>>;

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
/** Lines of which one is there when no resource changes. */
const NO_RESOURCE = ['There were no differences', 'Outputs', 'Parameters', 'Other Changes'];
/** Said behind the impact where a resource may as well have been moved to another stack. */
const MOVED = / \(OR move [^)]*\)$/;

/**
 * The changes in the output of `cdk diff` for one stack, whose new template has `resources`.
 *
 * `COMMAND_FAILED` for a line about a resource that is not understood.
 */
export function changesIn(output: string, resources: ResourceTypes): Change[] {
  const lines = stripVTControlCharacters(output).split(/\r?\n/);
  const begin = lines.indexOf('Resources');
  if (begin < 0) {
    if (lines.some((line) => NO_RESOURCE.includes(line))) return [];
    throw notUnderstood(lines.find((line) => line.trim() !== '') ?? 'nothing');
  }
  const rest = lines.slice(begin + 1);
  const end = rest.findIndex((line) => line.trim() === '');
  return rest
    .slice(0, end < 0 ? undefined : end)
    .filter((line) => /^\S/.test(line))
    .map((line) => changeIn(line.trimEnd(), resources));
}

function changeIn(line: string, resources: ResourceTypes): Change {
  const [, mark = '', type = '', rest = ''] = LINE.exec(line) ?? [];
  const change = MARKS[mark as keyof typeof MARKS] as Change['change'] | undefined;
  const told = rest.replace(MOVED, '');
  const impact = IMPACT.exec(told)?.[1] ?? '';
  const id = told.replace(IMPACT, '').split(' ').at(-1) ?? '';
  // What is removed is in no template any more; everything else has to be there, or the words of this cdk are other ones.
  if (change !== undefined && (change === 'remove' || resources[id] === type)) {
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
