export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: process.env['HOLDFAST_LONG']
    ? ['/node_modules/']
    : ['/node_modules/', '\\.long\\.test\\.ts$'],
  testTimeout: 60_000,
};
