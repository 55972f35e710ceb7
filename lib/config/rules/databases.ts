// What must hold for databases that functions or tasks of the stack back up.
import { isRdsHost } from '../../names/rds.ts';
import { quote } from './faults.ts';
import type { ConfigFinding } from './faults.ts';
import { outOfReach, rateFindings } from './functions.ts';
import { DEFAULT_EXTENSIONS, DEFAULT_LOCALES } from '../schema/aws.ts';
import type { ConfigShape, SourceShapeOf } from '../schema/configuration.ts';
import type { PlacedSource } from './sources.ts';
import { taskFindings } from './tasks.ts';

interface PlacedDatabase {
  readonly at: PlacedSource['at'];
  readonly source: SourceShapeOf<'postgres'>;
}

/** Finds what does not fit in a database, and what would stop the stack from backing it up. */
export function databaseFindings(
  placed: PlacedDatabase,
  shape: ConfigShape,
  now: Date,
): ConfigFinding[] {
  return [
    ...jobsFindings(placed),
    ...tokenFindings(placed, shape),
    ...stackFindings(placed, shape, now),
    ...taskFindings(placed, shape),
  ];
}

/** What no token is made without. */
const NEEDED_BY_TOKENS = ['host', 'database', 'user'] as const;

/** Finds what tokens of IAM cannot be made or used without, and what only they have a use for. */
function tokenFindings(
  { at, source: { connection, server } }: PlacedDatabase,
  { aws }: ConfigShape,
): ConfigFinding[] {
  const path = (option: string) => [...at, 'server', option];
  if (connection !== 'iam') {
    if (server.resourceId === undefined) return [];
    return [
      {
        path: path('resourceId'),
        also: [[...at, 'connection']],
        message: 'nothing needs it: the connection is no token of IAM',
        allowed: '"resourceId" together with "connection: iam"',
      },
    ];
  }
  const needed =
    aws === undefined ? NEEDED_BY_TOKENS : [...NEEDED_BY_TOKENS, 'resourceId' as const];
  const missing = needed.filter((option) => server[option] === undefined);
  return [
    ...(missing.length === 0
      ? []
      : [
          {
            path: [...at, 'connection'],
            also: [[...at, 'server'], ...missing.map(path)],
            message: `got "iam", and nothing says ${missing.join(', ')}`,
            allowed: `${missing.join(', ')} in "server" of the source`,
          },
        ]),
    ...(server.host === undefined || isRdsHost(server.host)
      ? []
      : [
          {
            path: path('host'),
            also: [[...at, 'connection']],
            message: `got ${quote(server.host)}, and a token is for the name that RDS gave the server, whatever else leads there`,
            allowed: 'NAME.ID.REGION.rds.amazonaws.com',
          },
        ]),
    ...(server.sslmode === 'disable'
      ? [
          {
            path: path('sslmode'),
            also: [[...at, 'connection']],
            message: 'got "disable", and a token is sent as it is: RDS takes it over TLS alone',
            allowed: 'verify-full, verify-ca or require',
          },
        ]
      : []),
  ];
}

/** Finds jobs of a dump that is read by one. */
function jobsFindings({ at, source: { format, jobs } }: PlacedDatabase): ConfigFinding[] {
  if (jobs === undefined || format === 'directory') return [];
  return [
    {
      path: [...at, 'jobs'],
      also: [[...at, 'format']],
      message: `got ${jobs}, but the format is plain, which one job reads`,
      allowed: '"jobs" together with "format: directory"',
    },
  ];
}

function stackFindings(
  { at, source }: PlacedDatabase,
  { aws }: ConfigShape,
  now: Date,
): ConfigFinding[] {
  if (aws === undefined) return [];
  return [
    ...outOfReach(source.connection, [...at, 'connection']),
    ...rateFindings({ at, source }, now),
  ];
}

/** Finds layers that nothing would use: an image brings its programs along. */
export function packageFindings({ databases }: NonNullable<ConfigShape['aws']>): ConfigFinding[] {
  if (databases.package === 'zip') return imageFindings(databases);
  if (databases.layers.length === 0) return [];
  return [
    {
      path: ['aws', 'databases', 'layers'],
      also: [['aws', 'databases', 'package']],
      message: 'an image has no layers: it brings the programs of PostgreSQL along',
      allowed: 'layers together with package: zip',
    },
  ];
}

/** Finds what would be in an image, where there is none. */
function imageFindings(databases: NonNullable<ConfigShape['aws']>['databases']): ConfigFinding[] {
  const usual = { extensions: DEFAULT_EXTENSIONS, locales: DEFAULT_LOCALES } as const;
  return (['extensions', 'locales'] as const)
    .filter((option) => databases[option].join(' ') !== usual[option].join(' '))
    .map((option) => ({
      path: ['aws', 'databases', option],
      also: [['aws', 'databases', 'package']],
      message: `nothing would install the ${option}: they are in an image, and layers bring their own`,
      allowed: `${option} together with package: image`,
    }));
}
