export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  // Jest takes it in the place of its namesake, as `build.ts` takes `shipped-code.ts`.
  moduleNameMapper: { '/built-code\\.ts$': '<rootDir>/test/support/built-once.ts' },
  globalSetup: '<rootDir>/test/support/build-program.ts',
  setupFiles: process.env['HOLDFAST_SEED'] ? ['<rootDir>/test/support/seed.ts'] : [],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    ...(process.env['HOLDFAST_LONG'] ? [] : ['\\.(long|sweep)\\.test\\.ts$']),
    ...(process.env['HOLDFAST_DEPLOY'] ? [] : ['\\.deploy\\.test\\.ts$']),
  ],
  reporters: ['default', '<rootDir>/test/needs/not-run-reporter.ts'],
  // One for each core: tests wait for their servers and children as much as they compute.
  maxWorkers: '100%',
  // Linux copies a process's page tables when it starts a program, so a worker that has grown starts programs slowly (1 ms at 100 MB,
  // 150 ms at 2 GB). A new worker costs 0.1 s.
  workerIdleMemoryLimit: '64MB',
  testTimeout: 60_000,
};
