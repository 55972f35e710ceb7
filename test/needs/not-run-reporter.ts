// At the end of a run of Jest: which tests were left out, because only root can do them. In CI that fails the run.
import { relative } from 'node:path';
import process from 'node:process';
import { say } from './cache.ts';

/** The part of Jest's results that is looked at. */
interface Results {
  readonly testResults: readonly {
    readonly testFilePath: string;
    readonly testResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** The part of Jest's configuration that is looked at. */
interface Configuration {
  readonly rootDir: string;
  readonly testNamePattern?: string | undefined;
}

// Jest takes the default export of a reporter.
export default class NotRunReporter {
  private readonly configuration: Configuration;
  private failure: Error | undefined;

  constructor(configuration: Configuration) {
    this.configuration = configuration;
  }

  onRunComplete(_contexts: unknown, results: Results): void {
    const { rootDir, testNamePattern } = this.configuration;
    // What a pattern of the user leaves out is left out on purpose.
    if (testNamePattern !== undefined && testNamePattern !== '') return;
    const left = notRun(results, rootDir);
    if (left.length === 0) return;
    say(`\nNot run, because only root can:\n${left.map((one) => `  ${one}\n`).join('')}`);
    if (process.env['CI'] === undefined) return;
    this.failure = new Error(`${left.length} tests were not run, and in CI every test is`);
  }

  /** Jest ends with an error when there is one. */
  getLastError(): Error | undefined {
    return this.failure;
  }
}

/** File and name of each test that was skipped. */
export function notRun({ testResults: files }: Results, rootDir: string): string[] {
  return files.flatMap(({ testFilePath, testResults }) =>
    testResults
      .filter(({ status }) => status === 'pending')
      .map(({ fullName }) => `${relative(rootDir, testFilePath)}: ${fullName}`),
  );
}
