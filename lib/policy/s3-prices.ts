// What S3 asks for what is moved to a colder class: the one table of prices, with its date. Pure.

const GIB = 2 ** 30;

/** Dollars, for one class. */
export interface ClassPrices {
  /** For a GiB that is stored for a month. */
  readonly month: number;
  /** For a GiB that is read. */
  readonly read: number;
  /** For a request that reads. */
  readonly request: number;
}

/** Dollars, for everything that a move costs and saves. */
export interface S3Prices {
  readonly standard: ClassPrices;
  readonly moved: ClassPrices;
  /** For an object that lifecycle moves. */
  readonly transition: number;
  /** For a request that sets a tag. */
  readonly tagging: number;
  /** For a tag that an object has for a month. */
  readonly tagMonth: number;
}

/** Whose prices they are, and when others quoted them last. */
export const PRICES_OF = 'us-east-1 in 2026-06';

/**
 * From https://aws.amazon.com/s3/pricing/, as others quoted it between 2025-09 and 2026-06, for US East (N. Virginia), without volume
 * discounts. Other regions ask for more, and in much the same proportion: in Frankfurt 0.0245, 0.005 and 0.03.
 */
export const S3_PRICES: S3Prices = {
  standard: { month: 0.023, read: 0, request: 0.0004 / 1000 },
  moved: { month: 0.004, read: 0.03, request: 0.01 / 1000 },
  transition: 0.02 / 1000,
  tagging: 0.005 / 1000,
  tagMonth: 0.0065 / 10_000,
};

/**
 * What S3 charges for at least in Glacier Instant Retrieval: a smaller object counts as this large, and one that goes sooner as if it had
 * stayed so long. https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
 */
export const LEAST_MOVED_BYTES = 128 * 1024;
export const LEAST_MOVED_MONTHS = 3;

/** A size in the unit that S3 charges by. */
export function gib(bytes: number): number {
  return bytes / GIB;
}
