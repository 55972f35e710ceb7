// What the name says that RDS gives a server: NAME.ID.REGION.rds.amazonaws.com. Pure.

const RDS_HOST = /\.([a-z]{2}(?:-[a-z]+)+-\d)\.rds\.amazonaws\.com(?:\.cn)?$/i;

/** Whether RDS gave a host its name, and so its certificate. */
export function isRdsHost(host: string): boolean {
  return RDS_HOST.test(host);
}

/** The region in the name of a server; undefined for a name that RDS did not give. */
export function regionOfRdsHost(host: string): string | undefined {
  return RDS_HOST.exec(host)?.[1]?.toLowerCase();
}
