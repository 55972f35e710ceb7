// What `holdfast init` is told.

/** A bucket that the stack makes. */
export interface StoreOnAws {
  /** Undefined where the user leaves the name to us. */
  readonly bucket: string | undefined;
  readonly region: string | undefined;
}

export interface InitInput {
  /** Absolute. */
  readonly folder: string;
  /** As the user gave it; relative to `cwd`. */
  readonly store: string | undefined;
  /** Set for a store on AWS, which the stack makes. */
  readonly aws: StoreOnAws | undefined;
  readonly scripts: boolean;
  /** As the user gave it. */
  readonly system: string | undefined;
  readonly cwd: string;
  readonly home: string;
  readonly host: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: Date;
  /** Whether a new key may replace one that has only its public half left. */
  readonly newKey: boolean;
  /** For a name that nobody else has. */
  readonly random: () => string;
}
