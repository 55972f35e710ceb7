// The annotated example of the documentation. A test loads it, so that it can never show what is not accepted.

/** A public key that stands in examples; nobody has its private half. */
export const EXAMPLE_PUBLIC_KEY =
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAERNN+VWouLBeiks8DIS/K4mLuemByKip0+PzY7eGRTkfCQMWvnFYi+mlSwF9JpuYxJvSvspJsuyV+i1wIyWVGcA==';

/** A complete `holdfast.yaml` of a Next.js site. */
export const EXAMPLE_CONFIG = `# yaml-language-server: $schema=./node_modules/holdfast/holdfast.schema.json
version: 1
system: automatron-website

# Another disk survives what this one does not.
store: /mnt/backups/automatron-website
capacity: 20 GiB

signing:
  key: file:~/.config/holdfast/automatron-website.key # a reference, never the key itself

# Whose signatures count, and for what.
trust:
  - name: laptop
    publicKey: ${EXAMPLE_PUBLIC_KEY}
    prefixes: [backups/, records/, incidents/]

sources:
  # Everything that is needed to build and run the site again.
  site:
    kind: files
    path: .
    exclude: [node_modules, .next, .git, coverage]
    tolerate: ['logs/**'] # a log that grows while it is read is no reason for an alarm
    schedule: 0 2 * * * # every day at 02:00
    timeZone: UTC
    rpo: 24h # at most a day of work is lost
    rto: 4h # and it takes at most four hours to be back
    grace: 2h
    restoreTest: { every: month }
    afterRestore: [npm ci, npm run build]

  # What the editors write: small, so it can be backed up every hour and kept for longer.
  content:
    kind: files
    path: .
    include: [content, public]
    schedule: 0 * * * *
    rpo: 1h
    rto: 1h
    retention: { within: 2d, daily: 30 }

  # What is needed to set the site up; backed up on request, for example before a deployment.
  configuration:
    kind: files
    path: .
    include: [package.json, package-lock.json, 'next.config.*', .env.example, .github]
    times: content # a fresh checkout gives the same archive

retention:
  daily: 7
  weekly: 4
  monthly: 12
  timeZone: UTC

prune:
  afterBackup: true
`;

/** A `holdfast.yaml` of a system whose sources functions on AWS back up. */
export const EXAMPLE_AWS_CONFIG = `# yaml-language-server: $schema=./node_modules/holdfast/holdfast.schema.json
version: 1
system: spark-bloom
store: s3://spark-bloom-backups?region=eu-central-1&account=123456789012
capacity: 200 GiB

sources:
  assets:
    kind: bucket
    bucket: spark-bloom-assets
    prefix: public/
    schedule: 0 3 * * 0 # Sundays at 03:00
    rpo: 7d
    rto: 4h

  repository:
    kind: github
    repository: spark-bloom/app
    token: secret:github-token
    schedule: 0 2 * * *
    rpo: 24h

  # What sets the system up, backed up whenever it is deployed.
  configuration:
    kind: parameters
    paths: [/spark-bloom/]
    secretNames: [spark-bloom/]
    onDeployment: ['codepipeline:spark-bloom', event]

retention:
  daily: 7
  weekly: 4
  monthly: 12

aws:
  account: '123456789012'
  lock: { mode: governance, days: 14 }

notify:
  email: [team@example.com]
  success: daily
  heartbeat: ssm:/spark-bloom/heartbeat
`;
