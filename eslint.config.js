import tseslint from 'typescript-eslint';

const banned = (selector, message) => ({ selector, message });

/** Where tests find the time of this machine, and when they may ask for it. */
const MACHINE_TIME = 'test/support/machine-time.ts';

export default tseslint.config(
  {
    ignores: [
      'node_modules',
      'dist',
      'cdk.out',
      '**/*.cjs',
      '*.config.js',
      'examples/**/*.js',
      'lib/deflate/assembly',
    ],
  },
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      complexity: ['error', 15],
      'max-params': ['error', 4],
      'max-lines': ['error', { max: 400, skipComments: true, skipBlankLines: true }],
      'max-lines-per-function': ['error', { max: 70, skipComments: true, skipBlankLines: true }],
      'no-empty': ['error', { allowEmptyCatch: false }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    // Time, chance and environment enter at the edges (bin, demo, lambda, lib/cli, lib/wiring, lib/functions, lib/config) and are passed inwards.
    files: [
      'lib/{names,format,deflate,processes,network,archive,policy,sources,stores,engine,aws,alerts,infra}/**',
    ],
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        banned(
          "CallExpression[callee.object.name='Date'][callee.property.name='now']",
          'take `now: Date`',
        ),
        banned("NewExpression[callee.name='Date'][arguments.length=0]", 'take `now: Date`'),
        banned(
          "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          'take the id',
        ),
        banned(
          "MemberExpression[object.name='process'][property.name='env']",
          'only the edges read it',
        ),
      ],
    },
  },
  {
    files: ['test/**', 'bench/**'],
    rules: { 'max-lines-per-function': 'off', 'max-lines': 'off' },
  },
  {
    // A test that passes today must pass on any day.
    files: ['test/**'],
    ignores: [MACHINE_TIME],
    rules: {
      'no-restricted-syntax': [
        'error',
        banned(
          "CallExpression[callee.object.name='Date'][callee.property.name='now']",
          `write a fixed moment, or read ${MACHINE_TIME}`,
        ),
        banned(
          "NewExpression[callee.name='Date'][arguments.length=0]",
          `write a fixed moment, or read ${MACHINE_TIME}`,
        ),
      ],
    },
  },
);
