// The one place in which tests ask what time it is.

/**
 * What this machine's clock shows: for what runs by it, such as processes, servers and the times of files, and is compared within
 * minutes. Where a day, an hour, a month or a time zone matters, a test passes a fixed moment in.
 */
export function machineTime(): Date {
  return new Date();
}
