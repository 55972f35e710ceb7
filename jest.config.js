export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
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
  testTimeout: 60_000,
};
