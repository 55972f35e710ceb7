// RDS in memory, as the looks into restored databases see it: what is there, what is done to it, and what goes wrong.
import { HoldfastError } from '../../lib/errors.ts';
import type {
  AddedInstance,
  DatabaseSeen,
  RestoredDatabases,
} from '../../lib/recovery-points/rds-service.ts';
import type { PostgresServer } from './postgres.ts';

/** A server that RDS would have restored, under the name of its admin. */
export const ADMIN = 'master';

export class SmallRds implements RestoredDatabases {
  readonly databases = new Map<string, DatabaseSeen>();
  readonly added: AddedInstance[] = [];
  readonly deleted: string[] = [];
  readonly passwords: string[] = [];
  /** What each look at a database says of its state, before what it is. */
  readonly states = new Map<string, string[]>();
  /** Thrown instead of an answer. */
  readonly denied = new Set<string>();
  /** So many passwords are taken only later. */
  busy = 0;
  private readonly server: PostgresServer;

  constructor(server: PostgresServer) {
    this.server = server;
  }

  restored(name: string, more: Partial<DatabaseSeen> = {}): void {
    this.databases.set(name, { ...this.made(name), ...more });
  }

  private made(name: string): DatabaseSeen {
    return {
      name,
      state: 'available',
      engine: 'postgres',
      admin: ADMIN,
      host: '127.0.0.1',
      port: this.server.port,
      passwordPending: false,
      passwordManaged: false,
      cluster: undefined,
      serverless: false,
      created: undefined,
      tags: {},
    };
  }

  find(_kind: string, name: string): Promise<DatabaseSeen | undefined> {
    const found = this.databases.get(name);
    const state = this.states.get(name)?.shift();
    if (state === 'gone') this.databases.delete(name);
    if (found === undefined || state === 'gone') return Promise.resolve(undefined);
    return Promise.resolve({ ...found, ...(state !== undefined && { state }) });
  }

  async *instances(): AsyncIterable<DatabaseSeen> {
    this.refuse('instances');
    yield* await Promise.resolve([...this.databases.values()]);
  }

  setPassword(_kind: string, { admin }: DatabaseSeen, password: string): Promise<boolean> {
    this.refuse('setPassword');
    if (this.busy-- > 0) return Promise.resolve(false);
    this.passwords.push(password);
    this.server.sql('postgres', `ALTER ROLE ${admin} PASSWORD '${password}'`);
    return Promise.resolve(true);
  }

  addInstance(instance: AddedInstance): Promise<void> {
    this.refuse('addInstance');
    this.added.push(instance);
    if (this.databases.has(instance.name)) return Promise.resolve();
    const { name, cluster, engine, tags } = instance;
    this.restored(name, { cluster, engine, tags });
    return Promise.resolve();
  }

  deleteInstance(name: string): Promise<boolean> {
    this.refuse('deleteInstance');
    this.deleted.push(name);
    this.databases.delete(name);
    return Promise.resolve(true);
  }

  private refuse(call: string): void {
    if (this.denied.has(call)) throw new HoldfastError('STORE_DENIED', `${call} is denied`);
  }
}
