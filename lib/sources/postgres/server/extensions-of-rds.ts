// Extensions that AWS has made for RDS and Aurora: no package brings them anywhere else. Pure.

const OF_RDS = /^(?:aws_\w+|apg_\w+|rds\w*|log_fdw)$/;

/** What to do where a server lacks an extension: `install` where it can be installed, in words that complete a list of steps. */
export function remedyFor(extension: string, install: string): string {
  if (!OF_RDS.test(extension)) return install;
  return 'RDS alone has it: restore to a server of RDS, and compare there';
}
