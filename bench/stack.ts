// `node bench/stack.ts`: how large the code of each function is, how long its import takes in a new process, and how long a synthesis.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { functionConfig } from '../lib/config/load/function-settings.ts';
import { loadConfig } from '../lib/config/load/load.ts';
import { writeCode } from '../lib/infra/core/functions/bundle.ts';
import { FUNCTIONS } from '../lib/names/aws.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const BIN = join(ROOT, 'node_modules/.bin');
const { PATH = '' } = process.env;
const CONFIG = join(ROOT, 'examples/spark-bloom-flow/holdfast.yaml');
const IMPORTS = 10;
const SYNTHS = 3;

/** What a stack sets out to stay within. */
const LIMITS = { bundleBytes: 1_000_000, importMs: 250, synthMs: 15_000 } as const;

/** As Lambda starts it: the module is imported, and nothing is called. */
const IMPORT = `
  const begin = performance.now();
  const { handler } = await import(process.argv[1]);
  const ms = performance.now() - begin;
  if (typeof handler !== 'function') throw new Error('there is no handler');
  process.stdout.write(String(ms), () => process.exit(0));
`;

function importMs(entry: string): number {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--enable-source-maps', '--input-type=module', '-e', IMPORT, pathToFileURL(entry).href],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

/** Everything that `npx cdk synth` does, in a folder of its own. */
function synthMs(): number {
  const out = mkdtempSync(join(tmpdir(), 'holdfast-synth-'));
  const begin = performance.now();
  const { status, stderr } = spawnSync(
    join(BIN, 'cdk'),
    ['synth', '--quiet', '--output', out, '-c', `config=${CONFIG}`],
    // The Node beside it, as npx finds it first.
    { cwd: ROOT, encoding: 'utf8', env: { ...process.env, PATH: `${BIN}${delimiter}${PATH}` } },
  );
  const ms = performance.now() - begin;
  rmSync(out, { recursive: true, force: true });
  if (status !== 0) throw new Error(stderr);
  return ms;
}

/** The least of some: what else the machine does only adds to it. */
function leastOf(count: number, measure: () => number): number {
  return Math.min(...Array.from({ length: count }, measure));
}

function row(what: string, measured: number, limit: number, unit: string): boolean {
  const met = measured <= limit;
  const numbers = [measured, limit].map((one) => `${Math.round(one).toLocaleString('en')} ${unit}`);
  console.log(`| ${[what, ...numbers, met ? 'met' : 'NOT MET'].join(' | ')} |`);
  return met;
}

const config = loadConfig({
  cwd: ROOT,
  home: '/nonexistent',
  env: {},
  now: new Date(),
  configPath: CONFIG,
});
console.log('| what | measured | at most | |\n|---|---|---|---|');
let met = true;
for (const name of FUNCTIONS) {
  const folder = writeCode(name, functionConfig(config));
  const scripts = readdirSync(folder).filter((file) => file.endsWith('.js'));
  const bytes = scripts.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  met = row(`${name}: code, worker included`, bytes, LIMITS.bundleBytes, 'bytes') && met;
  const ms = leastOf(IMPORTS, () => importMs(join(folder, 'index.js')));
  met = row(`${name}: import`, ms, LIMITS.importMs, 'ms') && met;
  rmSync(folder, { recursive: true, force: true });
}
met = row('`cdk synth`', leastOf(SYNTHS, synthMs), LIMITS.synthMs, 'ms') && met;
process.exitCode = met ? 0 : 1;
