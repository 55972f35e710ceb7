// What only the machine can see on which `status` is run. A part of the table in table.ts.
import type { Condition } from './row.ts';

export const MACHINE_CONDITIONS = {
  'another-store': {
    about: 'machine',
    severity: 'alarm',
    headline: 'this is another store than before',
    sentence: 'The store is not the one that was written to from here before',
  },
  'other-site': {
    about: 'machine',
    severity: 'alarm',
    headline: 'another site stands here',
    sentence: 'The site that stands here is not the one whose backups these are',
  },
  elsewhere: {
    about: 'machine',
    severity: 'watch',
    sentence: 'The backups are made on another machine',
  },
  'incident-forged': {
    about: 'machine',
    severity: 'alarm',
    headline: 'a record of an incident is not trusted',
    sentence: 'A record of an incident counts for nothing, because no trusted key vouches for it',
    runbook: 'incidents',
  },
  'former-store': {
    about: 'machine',
    severity: 'watch',
    sentence: 'Backups went to another store from here before',
  },
  'not-judged': {
    about: 'machine',
    severity: 'watch',
    sentence: 'There is no configuration to judge by',
  },
} as const satisfies Record<string, Condition>;
