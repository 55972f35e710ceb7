// What only the machine can see on which `status` is run. A part of the table in table.ts.
import type { Condition } from './row.ts';

export const MACHINE_CONDITIONS = {
  'another-store': {
    about: 'machine',
    severity: 'alarm',
    headline: 'this is another store than before',
    sentence: 'The store is not the one that was written to from here before',
    means:
      'A disk may be missing or mounted elsewhere. Nothing is written there until you confirm it.',
    next: [
      'Mount the right disk, or correct `store` in holdfast.yaml.',
      'If this store is the right one: holdfast backup --create-store, once.',
    ],
  },
  'other-site': {
    about: 'machine',
    severity: 'alarm',
    headline: 'another site stands here',
    sentence: 'The site that stands here is not the one whose backups these are',
    means:
      'Two sites that share a name would take the backups of each other for their own. Nothing is backed up here.',
    next: [
      'If the site has moved: holdfast backup --moved, once.',
      'If these are two sites: give this one a system, a key and a store of its own by holdfast init.',
    ],
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
    means:
      'Somebody without a trusted key wrote into the store, or a key lacks the prefix incidents/.',
    next: [
      'holdfast incident list names the record, and says why it does not count.',
      'If the key is yours, add incidents/ to its prefixes under trust. Otherwise find out who else can write there.',
    ],
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
