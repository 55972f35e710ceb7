// What is asked of RDS about databases that were restored for a test. States are text, because RDS adds some.

/** A restored instance or cluster, or an instance that was added to a restored cluster. */
export interface DatabaseSeen {
  readonly name: string;
  readonly state: string;
  /** `postgres`, `aurora-postgresql`, `mysql` … */
  readonly engine: string;
  /** Who may do everything there that RDS allows. */
  readonly admin: string;
  /** Undefined while it is being made. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** True while RDS has not changed the password yet. */
  readonly passwordPending: boolean;
  /** True where RDS keeps the password in a secret of its own. */
  readonly passwordManaged: boolean;
  /** The name of the cluster of an instance. */
  readonly cluster: string | undefined;
  /** True for a cluster whose instances may be serverless. */
  readonly serverless: boolean;
  readonly created: Date | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export type DatabaseKind = 'aurora' | 'rds';

/** An instance that is added to a restored cluster. */
export interface AddedInstance {
  readonly name: string;
  readonly cluster: string;
  readonly engine: string;
  readonly instanceClass: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** `STORE_DENIED`, `STORE_UNAVAILABLE` where AWS refuses or does not answer. */
export interface RestoredDatabases {
  /** Undefined where there is none of that name. */
  find(kind: DatabaseKind, name: string): Promise<DatabaseSeen | undefined>;
  /** All instances of the region. */
  instances(): AsyncIterable<DatabaseSeen>;
  /** Sets the password of the admin. False where its state allows that only later. */
  setPassword(kind: DatabaseKind, database: DatabaseSeen, password: string): Promise<boolean>;
  /** Adds an instance; one of that name that is there already stays as it is. */
  addInstance(instance: AddedInstance): Promise<void>;
  /** Has an instance deleted without a snapshot. False where its state allows that only later; true where there is none. */
  deleteInstance(name: string): Promise<boolean>;
}
