// A store that fails at its n-th call, for sweeps over every moment at which a run can fail or die.
import { HoldfastError } from '../../lib/errors.ts';
import { discard } from '../../lib/stores/body.ts';
import type { Body } from '../../lib/stores/body.ts';
import type { Identity, PutOptions, Store, StoredObject } from '../../lib/stores/store.ts';

export interface Fault {
  /** Which call fails, counted from 1; beyond the last call, none does. */
  readonly failAt: number;
  /** Whether the call fails without having done anything, or after having done all. */
  readonly when: 'before' | 'after';
  /** What it fails with. @default STORE_UNAVAILABLE */
  readonly error?: Error;
  /** True when all later calls fail too, as those of a process that has died. */
  readonly crash?: boolean;
}

export interface FaultyCall {
  readonly method: Exclude<keyof Store, 'url'>;
  /** The key or prefix; `from` of a clone. */
  readonly key: string;
}

/** The calls of `store`, each method's counted when it is called (`list` when it is first read), one of them failing. */
export class FaultyStore implements Store {
  readonly url: string;
  readonly link?: NonNullable<Store['link']>;
  readonly settle?: NonNullable<Store['settle']>;
  readonly identify?: NonNullable<Store['identify']>;
  readonly calls: FaultyCall[] = [];
  readonly #store: Store;
  readonly #fault: Fault;

  constructor(store: Store, fault: Fault) {
    this.url = store.url;
    this.#store = store;
    this.#fault = fault;
    // A store that lacks them must not seem to have them.
    if (store.link !== undefined)
      this.link = (from, ...rest) =>
        this.#run({ method: 'link', key: from }, async () => store.link?.(from, ...rest));
    if (store.settle !== undefined)
      this.settle = () => this.#run({ method: 'settle', key: '' }, async () => store.settle?.());
    if (store.identify !== undefined) this.identify = (key) => this.#identify(key);
  }

  /** Whether the fault has struck: a sweep is over when it has not. */
  get struck(): boolean {
    return this.calls.length >= this.#fault.failAt;
  }

  async put(key: string, body: Body, options?: PutOptions): Promise<StoredObject> {
    let begun = false as boolean;
    try {
      return await this.#run({ method: 'put', key }, () => {
        begun = true;
        return this.#store.put(key, body, options);
      });
    } finally {
      if (!begun) await discard(body);
    }
  }

  clone(from: string, to: string, options?: PutOptions): Promise<StoredObject> {
    return this.#run({ method: 'clone', key: from }, () => this.#store.clone(from, to, options));
  }

  #identify(key: string): Promise<Identity> {
    return this.#run({ method: 'identify', key }, async () => {
      const identity = await this.#store.identify?.(key);
      if (identity === undefined) throw new Error('the store lost a method');
      return identity;
    });
  }

  head(key: string): Promise<StoredObject | undefined> {
    return this.#run({ method: 'head', key }, () => this.#store.head(key));
  }

  read(key: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#run({ method: 'read', key }, () => this.#store.read(key, offset, length));
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const call = this.#count({ method: 'list', key: prefix });
    this.#failIf(call, 'before');
    yield* this.#store.list(prefix);
    this.#failIf(call, 'after');
  }

  protect(key: string, until: Date): Promise<void> {
    return this.#run({ method: 'protect', key }, () => this.#store.protect(key, until));
  }

  release(key: string): Promise<void> {
    return this.#run({ method: 'release', key }, () => this.#store.release(key));
  }

  now(): Promise<Date> {
    return this.#run({ method: 'now', key: '' }, () => this.#store.now());
  }

  async #run<T>(called: FaultyCall, work: () => Promise<T>): Promise<T> {
    const call = this.#count(called);
    this.#failIf(call, 'before');
    try {
      return await work();
    } finally {
      // Whatever the store has answered, nobody hears it.
      this.#failIf(call, 'after');
    }
  }

  #count(call: FaultyCall): number {
    return this.calls.push(call);
  }

  #failIf(call: number, when: Fault['when']): void {
    const { failAt, crash = false, error } = this.#fault;
    const due = call === failAt && when === this.#fault.when;
    const dead = crash && this.#isDeadBy(call, when);
    if (!due && !dead) return;
    const { method, key } = this.calls[call - 1] ?? { method: 'now', key: '' };
    throw (
      error ?? new HoldfastError('STORE_UNAVAILABLE', `call ${call} failed: ${method} "${key}"`)
    );
  }

  /** After the moment of death nothing begins; what had begun before it may have been done, and nobody hears of it. */
  #isDeadBy(call: number, when: Fault['when']): boolean {
    const { failAt } = this.#fault;
    return when === 'before' ? call > failAt : this.calls.length > failAt && call !== failAt;
  }
}

/** `store`, failing as `fault` says. */
export function faultyStore(store: Store, fault: Fault): FaultyStore {
  return new FaultyStore(store, fault);
}
