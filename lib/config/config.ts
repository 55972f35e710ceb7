// The loaded configuration: every default filled in, every path absolute, every number with its unit. Deeply readonly.
import type { RunsOn } from '../names/aws.ts';
import type { OtherDatabase } from './init/engines.ts';
import type { NotifyConfig } from './notify.ts';
import type { KmsKeyReference, SecretReference } from './places.ts';
import type { RecoveryPointsConfig } from './recovery-points.ts';

/** Which good backups are kept. */
export interface RetentionConfig {
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
  readonly last: number;
  readonly withinMs: number;
  readonly timeZone: string;
}

/** A key whose signatures count for what lies under `prefixes`. */
export interface TrustedKeyConfig {
  readonly name: string;
  /** SPKI DER in base64 on one line. */
  readonly publicKey: string;
  readonly prefixes: readonly string[];
  /** The events of incidents that it may vouch for; undefined for all. */
  readonly events: readonly string[] | undefined;
}

/** How often backups of a source are test-restored. */
export type RestoreTestInterval = 'backup' | 'day' | 'week' | 'month' | 'quarter' | 'never';

/** When restores of a source are proven. */
export interface RestoreTestConfig {
  readonly every: RestoreTestInterval;
  /** How old the last proven restore test may become, grace included; undefined when no time follows from the configuration. */
  readonly maxAgeMs: number | undefined;
}

/** How an archive is encoded: gzip at two levels, zstd, or stored as it is. */
export type Compression = 'default' | 'small' | 'zstd' | 'none';

/** What every source has, whatever its kind. */
interface SourceCommon {
  readonly name: string;
  readonly tolerate: readonly string[];
  readonly allowEmpty: boolean;
  readonly compression: Compression;
  /** Five cron fields; undefined when the source is backed up only on request. */
  readonly schedule: string | undefined;
  readonly timeZone: string;
  readonly rpoMs: number | undefined;
  readonly rtoMs: number | undefined;
  readonly graceMs: number;
  /** From 0 to 1: a backup that lacks more of what the one before held is noted. */
  readonly dropShare: number;
  readonly restoreTest: RestoreTestConfig;
  readonly afterRestore: readonly string[];
  /** A URL of its own that is called when it was backed up and is well. */
  readonly heartbeat: SecretReference | undefined;
  /** The policy of the system with what this source overrides. */
  readonly retention: RetentionConfig;
}

/** A folder of files that is protected. */
export interface FilesSourceConfig extends SourceCommon {
  readonly kind: 'files';
  /** Absolute. */
  readonly path: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly gitignore: boolean;
  readonly secrets: 'exclude' | 'include';
  readonly oneFileSystem: boolean;
  readonly times: 'recorded' | 'content';
}

/** What may start a backup besides a schedule: a deployment that one of these reports. */
export interface DeploymentTrigger {
  readonly by: 'codepipeline' | 'codedeploy' | 'amplify' | 'ecs' | 'event';
  /** The pipeline, the application, the app id or the service; undefined for `event`. */
  readonly name: string | undefined;
}

/** A kind of source that a function on AWS can reach. */
interface RemoteSourceCommon extends SourceCommon {
  readonly onDeployment: readonly DeploymentTrigger[];
}

/** The objects of an S3 bucket. */
export interface BucketSourceConfig extends RemoteSourceCommon {
  readonly kind: 'bucket';
  readonly bucket: string;
  /** The beginning of the keys that are taken; it is not part of the paths in the archive. Empty, or ends in a slash. */
  readonly prefix: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Undefined for the region of the store. */
  readonly region: string | undefined;
  /** Twelve digits: the account that must own the bucket; undefined for any. */
  readonly account: string | undefined;
  /** What of the stack backs it up, verifies it and test-restores it. */
  readonly runOn: RunsOn;
}

/** A repository on GitHub, at a commit. */
export interface GithubSourceConfig extends RemoteSourceCommon {
  readonly kind: 'github';
  /** `owner/name` */
  readonly repository: string;
  /** A branch, a tag or a commit; undefined for the default branch. */
  readonly ref: string | undefined;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly token: SecretReference | undefined;
  /** Where the REST API is; without a slash at the end. */
  readonly api: string;
}

/** Parameters of SSM, and the names of secrets. */
export interface ParametersSourceConfig extends RemoteSourceCommon {
  readonly kind: 'parameters';
  /** Paths of SSM parameters, such as `/spark/`: everything below. */
  readonly paths: readonly string[];
  /** The beginnings of the names of secrets in Secrets Manager that are listed. */
  readonly secretNames: readonly string[];
  /** Whether values of SecureString parameters and of secrets are backed up, or their names and versions alone. */
  readonly secrets: 'exclude' | 'include';
  /** Undefined for the region of the store. */
  readonly region: string | undefined;
}

/** Where a database is, as far as the secret with its connection does not say so. */
export interface DatabaseServerConfig {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly database: string | undefined;
  readonly user: string | undefined;
  readonly sslmode: 'disable' | 'require' | 'verify-ca' | 'verify-full' | undefined;
  /** By which AWS knows the database; undefined where no stack needs it. */
  readonly resourceId: string | undefined;
}

/** A database of PostgreSQL that can be reached from where Holdfast runs. */
export interface PostgresSourceConfig extends SourceCommon {
  readonly kind: 'postgres';
  /** Where the URL of the database is kept, which holds a password; `iam` for tokens in its place. */
  readonly connection: SecretReference | 'iam';
  readonly server: DatabaseServerConfig;
  readonly schemas: readonly string[];
  readonly excludeSchemas: readonly string[];
  readonly tables: readonly string[];
  readonly excludeTables: readonly string[];
  /** An absolute folder with pg_dump, psql and pg_dumpall; undefined for those of the machine. */
  readonly binaries: string | undefined;
  readonly lockWaitTimeoutSeconds: number;
  readonly format: 'plain' | 'directory';
  /** Undefined for as many as there are cores; of the directory format alone. */
  readonly jobs: number | undefined;
  /** `schema.table.column` */
  readonly timestamps: readonly string[];
  /** SQL that is asked of what was restored. */
  readonly checks: readonly string[];
  readonly maxDatabaseBytes: number;
  /** What of the stack dumps, verifies and test-restores it. */
  readonly runOn: RunsOn;
}

/** A protected thing that the function `backup` reads. */
export type RemoteSourceConfig = BucketSourceConfig | GithubSourceConfig | ParametersSourceConfig;

/** A protected thing of any kind. */
export type SourceConfig = FilesSourceConfig | PostgresSourceConfig | RemoteSourceConfig;

/** True for what the function `backup` reads. */
export function isRemote(source: SourceConfig): source is RemoteSourceConfig {
  return source.kind !== 'files' && source.kind !== 'postgres';
}

/** True for a database, which functions of its own back up and test. */
export function isPostgres(source: SourceConfig): source is PostgresSourceConfig {
  return source.kind === 'postgres';
}

/** A protected thing that may be too large for a function. */
export type LargeSourceConfig = BucketSourceConfig | PostgresSourceConfig;

/** True for a source that tasks of the stack back up, verify and test, because it would outlast a function. */
export function isTask(source: SourceConfig): source is LargeSourceConfig {
  return (source.kind === 'bucket' || source.kind === 'postgres') && source.runOn === 'task';
}

/** What of the stack does the work of a source. */
export function runsOn(source: SourceConfig): RunsOn {
  return isTask(source) ? 'task' : 'function';
}

/** A network in which functions of databases or tasks run. */
export interface VpcConfig {
  readonly id: string;
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
}

/** How functions of databases get the programs of PostgreSQL, and where they run. */
export interface DatabasesConfig {
  /** `image`: a container image with everything in it; `zip`: code, beside layers that bring `/opt/bin`. */
  readonly package: 'image' | 'zip';
  /** The major version in the image. */
  readonly postgres: 17 | 18;
  /** Packages of extensions in the image, without what their names begin with. */
  readonly extensions: readonly string[];
  /** Locales in the image, such as `en_US.UTF-8`. */
  readonly locales: readonly string[];
  /** ARNs of layer versions, for `zip`. */
  readonly layers: readonly string[];
  /** Undefined for functions outside of any network of yours. */
  readonly vpc: VpcConfig | undefined;
}

/** What tasks on Fargate are given. */
export interface TasksConfig {
  /** Each comes with 4 GiB of memory. */
  readonly vcpus: 1 | 2 | 4 | 8 | 16;
  /** For restore tests and dumps in the directory format. */
  readonly diskGiB: number;
  /** Undefined where neither tasks nor functions of databases have a network, and so where nothing runs as a task. */
  readonly vpc: VpcConfig | undefined;
}

/** How the stack on AWS is made. */
export interface AwsConfig {
  /** Twelve digits; undefined for whatever account deploys. */
  readonly account: string | undefined;
  readonly region: string;
  /** `existing` adopts the bucket and the keys that an earlier stack of this system has left. */
  readonly storage: 'create' | 'existing';
  readonly lockMode: 'governance' | 'compliance';
  readonly lockDays: number;
  /** How long what is released can be undone. */
  readonly undoDays: number;
  /** Where backups go that are kept for long, if that saves money. */
  readonly storageClass: 'standard' | 'glacier-instant-retrieval';
  /** For how many months content that was verified is not verified again. */
  readonly contentMonths: 1 | 3 | 6;
  readonly reservedConcurrency: 'create' | 'off';
  /** Whether messages carry a link, where concurrency is reserved for what it leads to. */
  readonly acknowledgeUrl: 'auto' | 'off';
  /** Whether CloudFormation refuses to delete the stack. */
  readonly terminationProtection: boolean;
  /** ARNs, or patterns of them, of the roles that may change buckets, keys and policies; empty for the roles of the CDK bootstrap. */
  readonly deployingRoles: readonly string[];
  /** ARNs of roles that may end a lock in governance mode. */
  readonly breakGlassRoles: readonly string[];
  readonly logDays: number;
  readonly databases: DatabasesConfig;
  /** Undefined where AWS Backup protects nothing of the system. */
  readonly recoveryPoints: RecoveryPointsConfig | undefined;
  readonly tasks: TasksConfig;
}

/** What backs up a database that is no source: the name of the source with its dumps, or `elsewhere`. By engine. */
export type OtherDatabasesConfig = Readonly<Partial<Record<OtherDatabase, string | undefined>>>;

/** What one `holdfast.yaml` says. */
export interface Config {
  /** Absolute path of the file that was loaded. */
  readonly file: string;
  readonly version: 1;
  readonly system: string;
  /** The absolute path of a folder, or the URL of another store. */
  readonly store: string;
  /** What decided where the store is. */
  readonly storeFrom: 'flag' | 'variable' | 'file';
  readonly capacityBytes: number | undefined;
  readonly signingKey: SecretReference | KmsKeyReference | undefined;
  readonly trust: readonly TrustedKeyConfig[];
  /** In the order of the file. */
  readonly sources: readonly SourceConfig[];
  readonly otherDatabases: OtherDatabasesConfig;
  readonly retention: RetentionConfig;
  readonly pruneAfterBackup: boolean;
  /** Undefined when nothing runs on AWS. */
  readonly aws: AwsConfig | undefined;
  readonly notify: NotifyConfig;
}
