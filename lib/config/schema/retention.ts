// The shape of a retention policy: of the system, and what a source has of its own.
import * as z from 'zod/mini';

import { DEFAULT_RETENTION } from '../../policy/retention-policy.ts';
import { DAY_MS } from '../../durations.ts';
import { count, duration, means, timeZone } from './values.ts';

/** The options without their defaults. */
export const retentionRules = {
  daily: means(
    count(),
    'How many days keep a backup: the first good one of each. Only days that have one count.',
  ),
  weekly: means(count(), 'How many ISO weeks keep their first good backup.'),
  monthly: means(count(), 'How many months keep their first good backup.'),
  yearly: means(count(), 'How many years keep their first good backup.'),
  last: means(
    count(),
    'How many of the newest backups are kept, whatever their time. The newest 3 good ones are kept in any case.',
  ),
  within: means(duration(), 'Everything newer than this is kept.'),
  timeZone: means(
    timeZone(),
    'Where days, weeks, months and years begin. UTC has no day of 23 or 25 hours, so every place counts alike.',
  ),
};

/** The policy of the system. */
export const retention = z.strictObject({
  daily: z._default(retentionRules.daily, DEFAULT_RETENTION.daily),
  weekly: z._default(retentionRules.weekly, DEFAULT_RETENTION.weekly),
  monthly: z._default(retentionRules.monthly, DEFAULT_RETENTION.monthly),
  yearly: z._default(retentionRules.yearly, DEFAULT_RETENTION.yearly),
  last: z._default(retentionRules.last, DEFAULT_RETENTION.last),
  within: z._default(retentionRules.within, `${DEFAULT_RETENTION.withinMs / DAY_MS}d`),
  timeZone: z._default(retentionRules.timeZone, DEFAULT_RETENTION.timeZone),
});
