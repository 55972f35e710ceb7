export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    ...(process.env['HOLDFAST_LONG'] ? [] : ['\\.long\\.test\\.ts$']),
    ...(process.env['HOLDFAST_DEPLOY'] ? [] : ['\\.deploy\\.test\\.ts$']),
  ],
  testTimeout: 60_000,
};
