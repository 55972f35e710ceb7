// A look inside a restored instance of RDS or cluster of Aurora. It takes as long as RDS takes: to become available, to set a password, to
// add an instance to a cluster, which is restored without one. All state is in RDS, so that a look that was lost can begin again.
import type { DatabaseTestConfig } from '../../config/recovery-points.ts';
import { MINUTE_MS, SECOND_MS } from '../../durations.ts';
import { HoldfastError, type Problem } from '../../errors.ts';
import { RESTORED_FOR_TESTS } from '../../names/resources.ts';
import { isLeftOver, lookUntil } from '../../policy/recovery-points/validation.ts';
import {
  lookAtDatabase,
  signIn,
  type ServerAccess,
} from '../../sources/postgres/proof/look-at-database.ts';
import type { Machine } from '../../sources/postgres/server/tools.ts';
import type { DatabaseKind, DatabaseSeen, RestoredDatabases } from '../rds-service.ts';
import { doubtful, restoredOnly, type Look, type Restored } from './look.ts';

export interface ServerBench {
  readonly rds: RestoredDatabases;
  readonly system: string;
  /** With the programs of PostgreSQL. */
  readonly machine: Machine;
  readonly now: () => Date;
  readonly wait: (ms: number) => Promise<void>;
}

const ENGINES: Readonly<Record<DatabaseKind, string>> = {
  aurora: 'aurora-postgresql',
  rds: 'postgres',
};
const PAUSE_MS = 30 * SECOND_MS;
/** RDS sets a password within minutes, and says that it is set before every part of a server knows it. */
const SIGN_IN_MS = 20 * MINUTE_MS;
const REMOVAL_MS = 25 * MINUTE_MS;

/**
 * From these no database becomes available by itself. A state that is not known here may.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html#Overview.DBInstance.Status
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html#Aurora.Status
 */
const HOPELESS: ReadonlySet<string> = new Set([
  'cloning-failed',
  'delete-precheck',
  'deleting',
  'failed',
  'inaccessible-encryption-credentials',
  'incompatible-create',
  'incompatible-network',
  'incompatible-option-group',
  'incompatible-parameters',
  'incompatible-restore',
  'insufficient-capacity',
  'migration-failed',
  'preparing-data-migration',
  'restore-error',
  'stopped',
  'stopping',
  'storage-full',
]);

/**
 * Gives the admin of what was restored a new password, signs in, reads every table and asks the `checks`. An instance that it adds to a
 * cluster is deleted again, whatever happens; one that could not be is said, and deleted before the next look.
 *
 * `SOURCE_UNAVAILABLE` where the database does not become available or lets nobody in, or the time is over; errors as
 * {@link RestoredDatabases} and the programs of PostgreSQL have them.
 */
export async function lookAtServer(
  restored: Restored,
  wanted: DatabaseTestConfig,
  bench: ServerBench,
): Promise<Look> {
  await removeLeftOvers(bench);
  const { kind, name } = restored.name;
  const at = new ServerLook(restored, wanted, bench);
  return kind === 'aurora' ? at.cluster(name) : at.instance(name);
}

class ServerLook {
  private readonly restored: Restored;
  private readonly wanted: DatabaseTestConfig;
  private readonly bench: ServerBench;
  private readonly until: Date;

  constructor(restored: Restored, wanted: DatabaseTestConfig, bench: ServerBench) {
    this.restored = restored;
    this.wanted = wanted;
    this.bench = bench;
    this.until = lookUntil(restored.since);
  }

  async instance(name: string): Promise<Look> {
    const found = await this.available('rds', name);
    if (found.engine !== ENGINES.rds) return otherEngine(found);
    return this.look('rds', found, () => this.available('rds', name));
  }

  async cluster(name: string): Promise<Look> {
    const found = await this.available('aurora', name);
    if (found.engine !== ENGINES.aurora) return otherEngine(found);
    const added = nameOfAdded(name);
    const [looked] = await Promise.allSettled([this.throughInstance(added, found)]);
    const left = await remove(added, name, this.bench);
    const noted = left === undefined ? [] : [left];
    if (looked.status === 'fulfilled') return { ...looked.value, noted };
    const error: unknown = looked.reason;
    if (left === undefined || !(error instanceof HoldfastError)) throw error;
    return { ...doubtful(error.code, error.message, name), noted };
  }

  /** Adds an instance to a cluster, and looks through it. */
  private async throughInstance(added: string, cluster: DatabaseSeen): Promise<Look> {
    const { name, engine, serverless } = cluster;
    await this.bench.rds.addInstance({
      name: added,
      cluster: name,
      engine,
      instanceClass: serverless ? 'db.serverless' : this.wanted.instanceClass,
      tags: tagsOfAdded(this.bench.system, name),
    });
    return this.look('aurora', cluster, async () => {
      const instance = await this.available('rds', added);
      if (instance.cluster === name) return instance;
      throw unavailable(`${added} is an instance of ${instance.cluster ?? 'no cluster'}`);
    });
  }

  private async look(
    kind: DatabaseKind,
    owner: DatabaseSeen,
    place: () => Promise<DatabaseSeen>,
  ): Promise<Look> {
    const { machine } = this.bench;
    const { database, checks } = this.wanted;
    // Before the password is set: adding an instance changes the state of its cluster.
    await place();
    const password = `${machine.random()}${machine.random()}`;
    await this.patiently(owner.name, async () => {
      const now = await this.available(kind, owner.name);
      return (await this.bench.rds.setPassword(kind, now, password)) || undefined;
    });
    await this.patiently(owner.name, async () => {
      const { passwordPending } = await this.available(kind, owner.name);
      return passwordPending ? undefined : true;
    });
    const { host, port } = await place();
    if (host === undefined || port === undefined)
      throw unavailable(`${owner.name} has no endpoint`);
    const access = { host, port, user: owner.admin, password, database };
    const signal = this.signal();
    await this.enter(access, signal);
    const found = await this.inTime(lookAtDatabase(access, checks, { machine, signal }));
    const { damage, doubt, facts } = found;
    const level = facts['rows'] === undefined ? undefined : 'content';
    return { damage, doubt, noted: [], level, facts: { ...facts, database } };
  }

  /** Signs in; until the new password is known everywhere, the server refuses it. */
  private async enter(access: ServerAccess, signal: AbortSignal): Promise<void> {
    const { machine, now, wait } = this.bench;
    const end = Math.min(now().getTime() + SIGN_IN_MS, this.until.getTime());
    for (;;) {
      try {
        await this.inTime(signIn(access, { machine, signal }));
        return;
      } catch (error) {
        const again = error instanceof HoldfastError && error.code === 'SOURCE_UNAVAILABLE';
        if (!again || now().getTime() >= end) throw error;
      }
      await wait(PAUSE_MS);
    }
  }

  /** Waits until it is available. */
  private available(kind: DatabaseKind, name: string): Promise<DatabaseSeen> {
    let state = 'not looked at';
    return this.patiently(
      name,
      async () => {
        const found = await this.bench.rds.find(kind, name);
        if (found === undefined) throw unavailable(`there is no ${name}: it has vanished`);
        ({ state } = found);
        if (HOPELESS.has(state)) throw unavailable(`${name} is ${state}`);
        return state === 'available' ? found : undefined;
      },
      () => `it is ${state}`,
    );
  }

  /** What `ask` gives, as soon as it gives something. */
  private async patiently<T>(
    name: string,
    ask: () => Promise<T | undefined>,
    why = () => 'its password is not set yet',
  ): Promise<T> {
    const { now, wait } = this.bench;
    for (;;) {
      if (this.restored.signal?.aborted === true) throw cancelled(name);
      // Asked for the last time when the time is over already, so that what has vanished is said to have.
      const given = await ask();
      if (given !== undefined && now() < this.until) return given;
      if (now() >= this.until) {
        throw unavailable(
          `${name} could not be looked into before AWS Backup deletes it: ${given === undefined ? why() : 'the event came too late'}`,
        );
      }
      await wait(PAUSE_MS);
    }
  }

  private signal(): AbortSignal {
    const left = Math.max(0, this.until.getTime() - this.bench.now().getTime());
    const end = AbortSignal.timeout(left);
    const { signal } = this.restored;
    return signal === undefined ? end : AbortSignal.any([signal, end]);
  }

  private async inTime<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      const isEnd = error instanceof HoldfastError && error.code === 'CANCELLED';
      if (!isEnd || this.restored.signal?.aborted === true) throw error;
      throw unavailable('its tables could not be read before AWS Backup deletes it', error);
    }
  }
}

function otherEngine({ engine }: DatabaseSeen): Look {
  return restoredOnly(`Holdfast looks into PostgreSQL alone, and this is ${engine}`);
}

/** AWS Backup may delete by this tag what an instance belongs to: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSServiceRolePolicyForBackupRestoreTesting.html */
const TEST_TAG = 'awsbackup-restore-test';
const SYSTEM_TAG = 'holdfast:system';
const ADDED_TAG = 'holdfast:added-to';

function tagsOfAdded(system: string, cluster: string): Record<string, string> {
  return { [TEST_TAG]: cluster, [SYSTEM_TAG]: system, [ADDED_TAG]: cluster };
}

const LONGEST_NAME = 63;

/** The same whenever it is asked for, so that an instance that was added before the look was lost is found again. */
export function nameOfAdded(cluster: string): string {
  return `${cluster.slice(0, LONGEST_NAME - 2).replace(/-+$/, '')}-1`;
}

/** Deletes the instance that was added to `cluster`, and waits until it is gone: nobody can delete a cluster before. Why it is left, else. */
async function remove(
  name: string,
  cluster: string,
  { rds, system, now, wait }: ServerBench,
): Promise<Problem | undefined> {
  const end = now().getTime() + REMOVAL_MS;
  let why = 'it did not go in time';
  while (now().getTime() < end) {
    try {
      const found = await rds.find('rds', name);
      if (found === undefined || !isAdded(found, { system, cluster })) return undefined;
      if (found.state !== 'deleting') await rds.deleteInstance(name);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      why = error.message;
      if (error.code === 'STORE_DENIED') break;
    }
    await wait(PAUSE_MS);
  }
  const detail = `the instance that was added to look is still there: ${why}; delete it`;
  return { path: name, code: 'left', detail, tolerated: true };
}

interface Added {
  readonly system: string;
  /** Undefined for any. */
  readonly cluster?: string;
}

function isAdded({ name, tags, cluster }: DatabaseSeen, wanted: Added): boolean {
  return (
    name.startsWith(RESTORED_FOR_TESTS) &&
    tags[SYSTEM_TAG] === wanted.system &&
    tags[ADDED_TAG] === cluster &&
    (wanted.cluster === undefined || cluster === wanted.cluster)
  );
}

/** Has instances deleted that an earlier look added and lost. What cannot be looked for now is looked for the next time. */
async function removeLeftOvers({ rds, system, now }: ServerBench): Promise<void> {
  try {
    for await (const one of rds.instances()) {
      if (!isAdded(one, { system }) || one.created === undefined) continue;
      if (isLeftOver(one.created, now())) await rds.deleteInstance(one.name);
    }
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
  }
}

function unavailable(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('SOURCE_UNAVAILABLE', message, { cause });
}

function cancelled(name: string): HoldfastError {
  return new HoldfastError('CANCELLED', `the look at ${name} was interrupted`);
}
