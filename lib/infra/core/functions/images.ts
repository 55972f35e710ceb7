// The images: one with the programs of PostgreSQL, for functions and tasks of databases, and one without, for tasks of a stack that has no such
// image. Docker builds them when the stack is deployed.
import { rmSync } from 'node:fs';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import type { Construct } from 'constructs';
import type { Config, DatabasesConfig } from '../../../config/config.ts';
import { functionConfig } from '../../../config/load/function-settings.ts';
import { functionsOf, looksIntoDatabases, tasksOf } from '../../../config/load/stack-keys.ts';
import { isForDatabases } from '../../../names/aws.ts';
import { SECURITY_FLOORS } from '../../../names/postgres-releases.ts';
import { writeImage } from './bundle.ts';

export interface Images {
  /** Undefined where there is no database, or its functions are zip files. */
  readonly databases: DockerImageAsset | undefined;
  /** Undefined where nothing runs as a task. */
  readonly tasks: DockerImageAsset | undefined;
}

/** The images that a configuration needs: never two, because tasks of buckets run the image of databases where there is one. */
export function makeImages(scope: Construct, config: Config, databases: DatabasesConfig): Images {
  const asksDatabases = functionsOf(config).some(isForDatabases) || looksIntoDatabases(config);
  const needsPrograms = databases.package === 'image' && asksDatabases;
  const needsTasks = tasksOf(config).length > 0;
  if (needsPrograms) {
    const image = makeImage(scope, 'Image', { config, buildArgs: withPostgres(databases) });
    return { databases: image, tasks: needsTasks ? image : undefined };
  }
  if (!needsTasks) return { databases: undefined, tasks: undefined };
  const image = makeImage(scope, 'TaskImage', { config, buildArgs: WITHOUT_POSTGRES });
  return { databases: undefined, tasks: image };
}

interface Wanted {
  readonly config: Config;
  readonly buildArgs: Readonly<Record<string, string>>;
}

function makeImage(scope: Construct, id: string, { config, buildArgs }: Wanted): DockerImageAsset {
  const directory = writeImage(functionConfig(config));
  try {
    // Nothing is built here: the folder is copied, and Docker builds it when the stack is deployed.
    return new DockerImageAsset(scope, id, {
      directory,
      buildArgs,
      platform: Platform.LINUX_ARM64,
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const WITHOUT_POSTGRES = { PG_MAJOR: 'none' } as const;

/** Raising a floor of PostgreSQL's releases makes it another image, which is then built again. */
function withPostgres({ postgres, extensions, locales }: DatabasesConfig) {
  return {
    PG_MAJOR: String(postgres),
    PG_FLOOR: `${postgres}.${SECURITY_FLOORS[postgres]}`,
    PG_EXTENSIONS: extensions.join(' '),
    LOCALES: locales.join(' '),
  };
}
