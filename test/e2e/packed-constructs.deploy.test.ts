// `holdfast/cdk` of the file that npm would publish, in a team's folder outside the checkout: every example of the documents is compiled
// as TypeScript does it for ES modules and for CommonJS, and synthesized.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { isBuiltin } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { FOR_STACKS, install, pack } from '../support/packed.ts';
import { ROOT, SPARK } from '../support/stacks.ts';

const MAX_PACKED_BYTES = 5_000_000;
const SYNTH_LIMIT_MS = 300_000;
/** What an app of a team has besides. */
const TYPESCRIPT = ['typescript', '@types/node', 'undici-types'];

const DOCUMENTS = [
  'README.md',
  ...fs.readdirSync(path.join(ROOT, 'docs')).map((one) => `docs/${one}`),
]
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name, text: fs.readFileSync(path.join(ROOT, name), 'utf8') }));

function blocksOf(language: string): { readonly of: string; readonly text: string }[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms');
  return DOCUMENTS.flatMap(({ name, text }) =>
    [...text.matchAll(fence)].map(([, block = ''], i) => ({
      of: `${path.basename(name, '.md')}-${i + 1}`,
      text: block,
    })),
  );
}

const EXAMPLES = blocksOf('ts');
/** Whole configurations of a stack. */
const CONFIGURATIONS = blocksOf('yaml').filter(
  ({ text }) => /^version: 1$/m.test(text) && 'aws' in (parse(text) as object),
);
/** For the examples of constructs. */
const OF_EXAMPLES = `version: 1
system: shop
store: s3://shop-backups?region=eu-central-1
sources:
  site: { kind: files, path: . }
  assets: { kind: bucket, bucket: shop-assets, schedule: 0 3 * * 0, rpo: 7d }
aws: {}
`;

let place: string;
let team: string;
let packed: string;

beforeAll(async () => {
  place = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-team-')));
  team = path.join(place, 'team');
  fs.mkdirSync(team);
  packed = await pack(place);
  await install(packed, team, [...FOR_STACKS, ...TYPESCRIPT]);
  fs.writeFileSync(path.join(team, 'holdfast.yaml'), OF_EXAMPLES);
  fs.writeFileSync(path.join(team, 'package.json'), '{"name":"team"}');
}, SYNTH_LIMIT_MS);

afterAll(() => fs.promises.rm(place, { recursive: true, force: true }));

/** Without credentials, and without anything that the checkout has. */
function node(args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: team,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: place, ...env },
  });
  return { status, stdout, stderr };
}

/** The files of a synthesis whose bytes decide what is deployed. */
function deployedFiles(folder: string): Map<string, string> {
  const files = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    files
      .filter((one) => one.isFile())
      .map((one) => path.relative(folder, path.join(one.parentPath, one.name)))
      .filter((name) => name.includes('/') || /\.(template|assets)\.json$/.test(name))
      .map((name) => [name, fs.readFileSync(path.join(folder, name), 'latin1')]),
  );
}

test('the packed file is small, and holds neither tests nor their tools', () => {
  expect(fs.statSync(packed).size).toBeLessThan(MAX_PACKED_BYTES);
  const names = execFileSync('tar', ['-tzf', packed], { encoding: 'utf8' }).split('\n');
  expect(names).toContain('package/dist/function-code.json.zst');
  expect(names.filter((name) => /\/(test|bench|demo|lib|bin|lambda)\//.test(name))).toEqual([]);
  const scripts = names
    .filter((name) => /^package\/dist\/[^/]*\.js$/.test(name))
    .map((name) =>
      fs.readFileSync(path.join(team, 'node_modules/holdfast', name.slice(8)), 'utf8'),
    );
  const foreign = /(?:from|import\()"((?!node:|\.|aws-cdk-lib|constructs)[\w@/-]+)"/g;
  const used = scripts.flatMap((text) => [...text.matchAll(foreign)].map(([, name]) => name ?? ''));
  expect([...new Set(used)].filter((name) => !isBuiltin(name))).toEqual([]);
});

test(
  'what the package synthesizes is byte by byte what the checkout does',
  () => {
    const app = path.join(team, 'node_modules/holdfast/dist/app.js');
    const [ours, theirs] = [path.join(ROOT, 'bin/app.ts'), app].map((program, i) => {
      const out = path.join(place, `out-${i}`);
      const context = JSON.stringify({ config: SPARK });
      const { status, stderr } = node([program], { CDK_OUTDIR: out, CDK_CONTEXT_JSON: context });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      return deployedFiles(out);
    });
    expect(ours?.size).toBeGreaterThan(20);
    // `holdfast deploy` sees a nested stack go, and not what was in it.
    const nested = [...(ours ?? [])].filter(([name]) => name.endsWith('.nested.template.json'));
    expect(nested.length).toBeGreaterThan(0);
    for (const [, text] of nested)
      expect(text).not.toMatch(/AWS::(S3::Bucket"|KMS::Key"|Backup::)/);
    expect([...(theirs?.keys() ?? [])].sort()).toEqual([...(ours?.keys() ?? [])].sort());
    for (const [name, text] of ours ?? [])
      expect([name, theirs?.get(name) === text]).toEqual([name, true]);
  },
  SYNTH_LIMIT_MS,
);

test(
  'every example of the documents compiles, for ES modules and for CommonJS',
  () => {
    expect(EXAMPLES.length).toBeGreaterThan(2);
    for (const { of, text } of EXAMPLES) {
      for (const form of ['mts', 'cts']) fs.writeFileSync(path.join(team, `${of}.${form}`), text);
    }
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2022',
      strict: true,
      outDir: 'compiled',
      types: ['node'],
      // What is ours is checked; the types of the CDK take most of the time.
      skipLibCheck: false,
      skipDefaultLibCheck: true,
    };
    const project = { compilerOptions, include: ['*.mts', '*.cts'] };
    fs.writeFileSync(path.join(team, 'tsconfig.json'), JSON.stringify(project));
    const { stdout, status } = node([
      path.join(team, 'node_modules/typescript/bin/tsc'),
      '-p',
      '.',
    ]);
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
  },
  SYNTH_LIMIT_MS,
);

test.each(EXAMPLES.flatMap(({ of }) => [`${of}.mjs`, `${of}.cjs`]))(
  'the example %s makes a stack with everything in it',
  (file) => {
    const out = path.join(place, `out-${file}`);
    const { status, stderr } = node([path.join(team, 'compiled', file)], { CDK_OUTDIR: out });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [template = ''] = fs.readdirSync(out).filter((name) => name.endsWith('.template.json'));
    const text = fs.readFileSync(path.join(out, template), 'utf8');
    expect(text).toContain('"BucketName": "shop-backups"');
    expect(text).toContain('"FunctionName": "holdfast-shop-backup"');
  },
  SYNTH_LIMIT_MS,
);

test('under a Node that is too old, an example says what it needs', () => {
  const [example] = EXAMPLES;
  const older = 'process.versions,node:"20.20.2"';
  const pretends = `Object.defineProperty(process,"versions",{value:{...${older}}})`;
  const { status, stderr } = node([
    '--import',
    `data:text/javascript,${encodeURIComponent(pretends)}`,
    path.join(team, 'compiled', `${example?.of ?? ''}.cjs`),
  ]);
  expect(status).toBe(1);
  expect(stderr).toContain('Holdfast needs Node 22.15 or newer, this is 20.20.2');
});

test.each(CONFIGURATIONS)(
  'the configuration $of is synthesized by holdfast synth',
  ({ of, text }) => {
    const file = path.join(place, `${of}.yaml`);
    fs.writeFileSync(file, text);
    const args = ['synth', '--output', path.join(place, of), '--config', file, '--json'];
    const { status, stdout, stderr } = node([
      path.join(team, 'node_modules/.bin/holdfast'),
      ...args,
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('AWS::S3::Bucket');
  },
  SYNTH_LIMIT_MS,
);
