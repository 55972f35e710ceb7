// Where services of AWS are asked.

/** Where the services are; what is left out comes from the environment, as for every client of AWS. */
export interface AwsPlace {
  readonly region?: string;
  readonly endpoint?: string;
}
