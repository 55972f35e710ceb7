// Jest loads this before each test file when HOLDFAST_SEED is set: every property is then tried on the same examples in each run.
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['HOLDFAST_SEED']) });
