// When proofs are due by the clock, as five cron fields: what a stack and `run-due` both go by.

/** How often a source is restored for a test, where that follows a calendar: after the night's backups. */
export const TEST_TIMES = {
  day: '0 6 * * *',
  week: '0 6 * * 1',
  month: '0 6 2 * *',
  quarter: '0 6 2 1,4,7,10 *',
} as const;

/** When content is verified: soon after the last backups of the month before. In UTC. */
export const CONTENT_TIME = '30 4 1 * *';
