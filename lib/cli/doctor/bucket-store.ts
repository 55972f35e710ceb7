// What the doctor looks at in a store on S3: reachable, ours, protected by versions and locks, and what these credentials may do.
import type { Config } from '../../config/config.ts';
import type { Engine } from '../../engine/engine.ts';
import { examineStore } from '../../engine/examine.ts';
import { assertOurs } from '../../engine/catalog/marker.ts';
import { HoldfastError } from '../../errors.ts';
import { MARKER_KEY } from '../../format/layout.ts';
import type { S3Place } from '../../names/s3-place.ts';
import { clockFindings } from './clock.ts';
import { failure } from './failure.ts';
import { ok, problem, warning, type DoctorFinding } from './finding.ts';
import { examineBucket, type BucketExamination } from '../../stores/s3/examine.ts';

/** Findings about the store of `engine`, the bucket at `place`. Nothing is stored: a lock would keep it. */
export async function examineBucketStore(
  engine: Engine,
  place: S3Place,
  config: Config | undefined,
): Promise<DoctorFinding[]> {
  try {
    const marked = await isMarked(engine);
    const found = await examineBucket(place, marked ? MARKER_KEY : undefined);
    if (found.unreachable !== undefined) {
      // What else the answer of a bucket means, the store itself says best.
      if (!ABSENT.includes(found.unreachable)) await contentFindings(engine, marked);
      return [unreachable(place, found.unreachable, config)];
    }
    return [
      ok('store', `who asks: ${whoOf(found)}`),
      ...protectionFindings(place, found, config),
      ...found.denied.map(({ permission, what }) =>
        problem(
          'store',
          `these credentials lack ${permission} on ${place.bucket}`,
          `Needed for ${what}; give it to this role, in its own policy or that of the bucket.`,
        ),
      ),
      ...(await contentFindings(engine, marked)),
    ];
  } catch (error) {
    return [noAnswer(place, error)];
  }
}

/** Whether the store is known to have a marker. */
async function isMarked(engine: Engine): Promise<boolean> {
  try {
    return (await engine.store.head(MARKER_KEY)) !== undefined;
  } catch (error) {
    // What is wrong is found out below, by name.
    if (error instanceof HoldfastError) return false;
    throw error;
  }
}

function whoOf({ accessKeyId, account }: BucketExamination): string {
  return `the access key ${accessKeyId}${account === undefined ? '' : ` of the account ${account}`}`;
}

const ABSENT: readonly string[] = ['NotFound', 'NoSuchBucket'];

function unreachable(place: S3Place, answer: string, config: Config | undefined): DoctorFinding {
  if (!ABSENT.includes(answer)) {
    const advice = 'Check the region, the endpoint and the account in the URL of the store.';
    return problem('store', `the bucket ${place.bucket} answers ${answer}`, advice);
  }
  const advice =
    config?.aws === undefined
      ? 'Make it, with versions and object lock, or name another one as `store`.'
      : 'The stack makes it: `holdfast deploy`.';
  return problem(
    'store',
    `there is no bucket ${place.bucket} in ${place.region ?? 'this region'}`,
    advice,
  );
}

function protectionFindings(
  place: S3Place,
  found: BucketExamination,
  config: Config | undefined,
): DoctorFinding[] {
  const { versioned, locked, encryptedByKms } = found;
  const findings = [...versionFindings(place, found), ...lockFindings(place, found, config)];
  if (encryptedByKms === 'no' && config?.aws !== undefined)
    findings.push(warning('store', `${place.bucket} is not encrypted by a key of KMS`, DEPLOY));
  const hidden = Object.entries({ versions: versioned, lock: locked, encryption: encryptedByKms })
    .filter(([, answer]) => answer === 'denied')
    .map(([what]) => what);
  if (hidden.length > 0)
    findings.push(
      ok('store', `these credentials may not see its settings of ${hidden.join(', ')}`),
    );
  return findings;
}

const DEPLOY = 'Deploy: `holdfast deploy`.';

function versionFindings(place: S3Place, { versioned }: BucketExamination): DoctorFinding[] {
  if (versioned === 'yes') return [ok('store', `${place.bucket} keeps versions`)];
  if (versioned !== 'no' || !place.versions) return [];
  return [
    problem(
      'store',
      `${place.bucket} keeps no versions: what is deleted or overwritten is gone`,
      'Switch versioning on; on a server that has none, say versions=off in the URL of the store.',
    ),
  ];
}

function lockFindings(
  { bucket }: S3Place,
  { locked, lock }: BucketExamination,
  config: Config | undefined,
): DoctorFinding[] {
  if (locked === 'denied' || locked === 'unknown') return [];
  if (locked === 'no' || lock === undefined) {
    const what =
      locked === 'yes' ? 'has object lock, but locks nothing by default' : 'has no object lock';
    return [
      warning(
        'store',
        `${bucket} ${what}`,
        'Who holds these credentials could delete backups. A bucket that the stack makes is locked.',
      ),
    ];
  }
  const { mode, days } = lock;
  const wanted = config?.aws?.lockDays ?? days;
  return [
    days === wanted
      ? ok('store', `${bucket} locks what is stored, ${mode} mode, ${days} days`)
      : warning(
          'store',
          `${bucket} locks for ${days} days, the configuration says ${wanted}`,
          DEPLOY,
        ),
  ];
}

async function contentFindings(engine: Engine, marked: boolean): Promise<DoctorFinding[]> {
  if (engine.system !== undefined) await assertOurs(engine);
  // Without a system nothing is stored to try it.
  const examined = await examineStore({ ...engine, system: undefined });
  const clockAheadMs = engine.now().getTime() - (await engine.store.now()).getTime();
  const sources = examined.newest.map(({ source }) => source).join(', ') || 'no backup';
  const state = marked ? sources : 'it holds no store yet';
  return [
    ok('store', `${engine.store.url} can be read: ${state}`),
    ...clockFindings({ ...examined, clockAheadMs }),
  ];
}

/** Without credentials or a network there is no bucket to look at. */
function noAnswer(place: S3Place, error: unknown): DoctorFinding {
  if (error instanceof HoldfastError) return failure('store', error);
  if (!(error instanceof Error)) throw error;
  return problem(
    'store',
    `the bucket ${place.bucket} cannot be asked: ${error.name}`,
    'Check the credentials (aws sts get-caller-identity), the network and the endpoint.',
  );
}
