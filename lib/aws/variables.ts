// How the tools of AWS find their credentials and their region in the environment.

/** Variables that the SDK and the command line of AWS read. */
export const CREDENTIAL_VARIABLES: readonly string[] = [
  'AWS_PROFILE',
  'AWS_REGION',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
];
