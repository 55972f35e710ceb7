// The databases that are no sources, and what backs them up instead: `doctor` warns of those that nobody speaks for.
import * as z from 'zod/mini';

import type { OtherDatabase } from '../init/engines.ts';
import { means, text } from './values.ts';

/** The word for what something else than Holdfast backs up. */
export const ELSEWHERE = 'elsewhere';

const by = (title: string) =>
  means(
    z.optional(
      text(
        /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
        `the name of a source of kind files, or ${ELSEWHERE}`,
        ELSEWHERE,
      ),
    ),
    `What backs up ${title}.`,
  );

export const otherDatabases = z.strictObject({
  mysql: by('MySQL'),
  mariadb: by('MariaDB'),
  sqlite: by('SQLite'),
  mongodb: by('MongoDB'),
  postgres: by('PostgreSQL, where it is no source of kind `postgres`'),
  cockroach: by('CockroachDB'),
  dynamodb: by('DynamoDB, where no selection of `aws.recoveryPoints` has it'),
  sqlserver: by('Microsoft SQL Server'),
  oracle: by('Oracle Database'),
} satisfies Record<OtherDatabase, unknown>);
