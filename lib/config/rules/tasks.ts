// What must hold for sources whose work tasks on Fargate do, and for what these tasks are given.
import { quote } from './faults.ts';
import type { ConfigFinding } from './faults.ts';
import type { ConfigShape, SourceShapeOf } from '../schema/configuration.ts';
import type { Path } from '../load/yaml.ts';
import { sizeBytes, wholeGiB } from '../units.ts';

type AwsShape = NonNullable<ConfigShape['aws']>;

interface PlacedLarge {
  readonly at: Path;
  readonly source: SourceShapeOf<'postgres'> | SourceShapeOf<'bucket'>;
}

/** What Fargate takes as the disk of a task: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EphemeralStorage.html */
const LEAST_DISK_GIB = 21;
const MOST_DISK_GIB = 200;

const DISK: Path = ['aws', 'tasks', 'disk'];

/** Finds a disk that Fargate does not give. */
export function diskFindings({ tasks: { disk } }: AwsShape): ConfigFinding[] {
  const gib = wholeGiB(sizeBytes(disk));
  if (gib >= LEAST_DISK_GIB && gib <= MOST_DISK_GIB) return [];
  return [
    {
      path: DISK,
      message: `got ${quote(String(disk))}, which no task on Fargate has`,
      allowed: `from ${LEAST_DISK_GIB} GiB to ${MOST_DISK_GIB} GiB`,
    },
  ];
}

/** Finds what a source on a task needs and does not have: somebody to start it, an image, a network, room. */
export function taskFindings(placed: PlacedLarge, { aws }: ConfigShape): ConfigFinding[] {
  const { at, source } = placed;
  if (source.runOn === 'function') return [];
  const path = [...at, 'runOn'];
  if (aws === undefined) {
    return [
      {
        path,
        also: [['aws']],
        message: 'nobody would start a task: the stack does',
        allowed: '"runOn" together with "aws"',
      },
    ];
  }
  const findings: ConfigFinding[] = [];
  const { databases, tasks } = aws;
  if (source.kind === 'postgres' && databases.package !== 'image')
    findings.push({
      path,
      also: [['aws', 'databases', 'package']],
      message: `got task, which runs an image, but "aws.databases.package" is ${databases.package}`,
      allowed: 'function, or package: image',
    });
  if (tasks.vpc === undefined && databases.vpc === undefined)
    findings.push({
      path,
      also: [
        ['aws', 'tasks', 'vpc'],
        ['aws', 'databases', 'vpc'],
      ],
      message: 'got task, which runs in a network of yours, and none is named',
      allowed: 'function, or a network in aws.tasks.vpc or aws.databases.vpc',
    });
  return [...findings, ...roomFindings(placed, aws)];
}

/** Finds a database that is dumped and can never be test-restored: how large a bucket may be, nothing says. */
function roomFindings({ at, source }: PlacedLarge, { tasks }: AwsShape): ConfigFinding[] {
  if (source.kind !== 'postgres' || source.restoreTest.every === 'never') return [];
  const { maxDatabaseSize } = source;
  if (sizeBytes(maxDatabaseSize) <= sizeBytes(tasks.disk)) return [];
  return [
    {
      path: [...at, 'maxDatabaseSize'],
      also: [DISK, [...at, 'runOn']],
      message: `got ${quote(String(maxDatabaseSize))}, and a restore test has a disk of ${quote(String(tasks.disk))}`,
      allowed: `at most the size of the disk in aws.tasks.disk, which has ${MOST_DISK_GIB} GiB at most, or restoreTest: { every: never }`,
    },
  ];
}
