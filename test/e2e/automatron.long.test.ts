// The command lines of examples/automatron-website, as its README has them, on a site under git.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parse } from 'yaml';
import { machineTime } from '../support/machine-time.ts';
import { IMAGES, POSTS, writeNextSite } from '../support/next-site.ts';
import { PROGRAM } from '../support/program.ts';
import { need } from '../needs/need.ts';

need('git');

const ROOT = path.resolve(import.meta.dirname, '../..');
const EXAMPLE = path.join(ROOT, 'examples/automatron-website');
const README = fs.readFileSync(path.join(EXAMPLE, 'README.md'), 'utf8');
/** What the site's source leaves out; `diff` is told the same. */
const NOT_BACKED_UP = ['node_modules', '.next', '.git', '.env', 'backups', '.holdfast'];

let place: string;
let site: string;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line as somebody at the site would. */
function run(line: string, cwd = site, more: Readonly<Record<string, string>> = {}): Ended {
  const env = {
    PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    HOME: path.join(place, 'home'),
    NO_COLOR: '1',
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
    GIT_CONFIG_NOSYSTEM: '1',
    ...more,
  };
  const { status, stdout, stderr } = spawnSync('bash', ['-eo', 'pipefail', '-c', line], {
    cwd,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** Runs a command line that has to succeed; its standard output. */
function succeed(line: string, cwd?: string, more?: Readonly<Record<string, string>>): string {
  const { status, stdout, stderr } = run(line, cwd, more);
  if (status !== 0) throw new Error(`${line}\nexit code ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

interface Listed {
  readonly source: string;
  readonly id: string;
  readonly good: boolean;
  readonly status: string;
  readonly totals: { readonly files: number; readonly reusedBytes: number };
  readonly git?: { readonly commit: string; readonly dirty: boolean };
}

function backups(source: string): Listed[] {
  const { backups: all } = JSON.parse(succeed('node_modules/.bin/holdfast list --json')) as {
    backups: Listed[];
  };
  return all.filter((one) => one.source === source);
}

function archive(source = 'site'): string {
  return succeed(`node scripts/latest-archive.js ${source}`).trim();
}

function diff(restored: string): Ended {
  const without = NOT_BACKED_UP.map((name) => `--exclude=${name}`).join(' ');
  return run(`diff -r --no-dereference ${without} . '${restored}'`);
}

function link(target: string, at: string): void {
  fs.mkdirSync(path.dirname(at), { recursive: true });
  fs.symlinkSync(target, at);
}

/** The command line as it is installed: the built files, and the link to them that npm makes. */
function install(folder: string): void {
  link(path.join(place, 'holdfast'), path.join(folder, 'node_modules/holdfast'));
  link('../holdfast/dist/holdfast.js', path.join(folder, 'node_modules/.bin/holdfast'));
}

beforeAll(() => {
  place = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-test-'));
  site = path.join(place, 'website');
  const built = path.join(place, 'holdfast');
  fs.mkdirSync(path.join(place, 'home'));
  fs.mkdirSync(built);
  fs.copyFileSync(path.join(ROOT, 'package.json'), path.join(built, 'package.json'));
  fs.cpSync(path.dirname(PROGRAM), path.join(built, 'dist'), { recursive: true });
  const { scripts } = JSON.parse(fs.readFileSync(path.join(EXAMPLE, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  writeNextSite(site, scripts);
  for (const folder of ['scripts', '.github']) {
    fs.cpSync(path.join(EXAMPLE, folder), path.join(site, folder), { recursive: true });
  }
  install(site);
  succeed(
    'git init -q -b main && git config user.email dev@automatron.ai && git config user.name Dev',
  );
  succeed('git add -A && git commit -qm "The site"');
});

afterAll(() => {
  fs.rmSync(place, { recursive: true, force: true });
});

describe('setting up', () => {
  it('makes a key and a configuration, into which the example puts its sources', () => {
    expect(succeed('npx holdfast init')).toContain('a Next.js site under git');
    const line = /^\{ sed .*$/m.exec(README)?.[0] ?? '';
    succeed(line.replace('path/to/holdfast', ROOT));
    expect(fs.readFileSync(path.join(site, 'holdfast.yaml'), 'utf8')).toContain('rto: 4h');
    expect(succeed('npx holdfast config validate')).toContain(
      'with 3 sources, site, content, configuration',
    );
    succeed('npx holdfast doctor');
    succeed('git add -A && git commit -qm "Backups"');
    expect(succeed('git status --porcelain')).toBe('');
  });
});

describe('creating backups', () => {
  it('backs up the whole site with npm run backup', () => {
    const out = succeed('npm run backup');
    expect(out).toMatch(/site {2}\d{8}T\d{9}Z-manual {2}complete/);
    expect(out).toMatch(/proven: \d+ entries read back/);
    expect(out).toContain('left out: .env: it holds environment variables');
    const [backup] = backups('site');
    expect(backup).toMatchObject({ good: true, status: 'complete' });
    expect(backup?.git).toEqual({
      commit: succeed('git rev-parse HEAD').trim(),
      branch: 'main',
      dirty: false,
    });
  });

  it('holds content, configuration, code and deployment, and nothing that must not be in it', () => {
    const names = succeed(`tar -tzf '${archive()}'`).trim().split('\n');
    for (const name of [
      'content/posts/post-0.mdx',
      'public/images/7/image-7.png',
      'package.json',
      'next.config.mjs',
      '.env.example',
      'app/blog/[slug]/page.tsx',
      'components/header.tsx',
      'scripts/backup.js',
      '.github/workflows/backup.yml',
    ]) {
      expect(names).toContain(name);
    }
    expect(
      names.filter((name) => /^(node_modules|\.next|\.git|backups|\.env)(\/|$)/.test(name)),
    ).toEqual([]);
    const files = names.filter((name) => /\.(png|mdx)$/.test(name));
    expect(files).toHaveLength(IMAGES + POSTS + 1);
  });

  it('backs up again after changes, and reuses what is unchanged', () => {
    fs.appendFileSync(path.join(site, 'content/posts/post-3.mdx'), '\nAn afterthought.\n');
    fs.rmSync(path.join(site, 'public/images/9/image-9.png'));
    fs.writeFileSync(path.join(site, 'content/posts/new.mdx'), '# New\n');
    succeed('git add -A && git commit -qm "Edit"');
    succeed('node scripts/backup.js');
    const [first, second] = backups('site');
    expect(second?.good).toBe(true);
    expect(second?.totals.files).toBe(first?.totals.files);
    expect(second?.totals.reusedBytes).toBeGreaterThan(0);
    expect(second?.git?.commit).not.toBe(first?.git?.commit);
  });

  it('backs up content or configuration alone, or the whole anew', () => {
    succeed('node scripts/backup.js --content');
    succeed('node scripts/backup.js --config');
    succeed('node scripts/backup.js --full');
    expect(backups('content')[0]?.totals.files).toBe(IMAGES + POSTS + 1);
    const names = succeed(`tar -tzf '${archive('configuration')}'`)
      .trim()
      .split('\n');
    expect(names).toContain('package-lock.json');
    expect(names).toContain('.github/workflows/backup.yml');
    expect(names.filter((name) => name.endsWith('.png'))).toEqual([]);
  });

  it('backs up before a deployment, and says so in the id', () => {
    succeed('npm run backup -- --trigger pre-deploy');
    expect(backups('site').at(-1)?.id).toMatch(/-pre-deploy$/);
  });

  it('signs a manifest with time, version, commit and checksums', () => {
    const folder = path.dirname(archive());
    const manifest =
      fs.readFileSync(path.join(folder, 'manifest.json'), 'utf8').split('\n')[1] ?? '';
    const {
      git,
      package: packaged,
      artifacts,
      begin,
    } = JSON.parse(manifest) as Record<string, unknown>;
    expect(git).toMatchObject({ branch: 'main', dirty: false });
    expect(packaged).toEqual({ name: 'automatron-website', version: '1.4.0' });
    expect(Date.parse(String(begin))).toBeLessThanOrEqual(machineTime().getTime());
    const digest = succeed(`sha256sum '${archive()}'`).slice(0, 64);
    expect(artifacts).toContainEqual(expect.objectContaining({ role: 'archive', sha256: digest }));
  });
});

describe('verification', () => {
  it('proves the newest backups, all of them, or the one whose archive is named', () => {
    expect(succeed('npm run backup:verify')).toMatch(/proven {2}site\/\S+ {2}content/);
    const all = succeed('node scripts/verify.js --all');
    expect(all.match(/^proven/gm)).toHaveLength(6);
    expect(succeed(`node scripts/verify.js '${archive()}'`)).toContain('proven');
  });

  it('restores to a scratch folder as a monthly test', () => {
    expect(succeed('npm run backup:restore-test')).toMatch(/proven {2}site\/.*RTO is 4 h/);
  });

  it('reports on every source', () => {
    expect(succeed('npm run backup:list')).toContain('good');
    expect(succeed('npm run backup:log')).toContain('restore-test');
    const status = run('npm run backup:status');
    expect(status.stdout).toContain('site');
    expect(status.status).toBe(0);
  });
});

describe('security', () => {
  it('keeps the store and the key to their owner', () => {
    for (const file of [
      archive(),
      path.join(place, 'home/.config/holdfast/automatron-website.key'),
    ]) {
      expect((fs.statSync(file).mode & 0o777).toString(8)).toBe('600');
    }
  });
});

describe('clean-up', () => {
  it('keeps 7 days, 4 weeks and 12 months, says why, and keeps for good what is pinned', () => {
    const [first] = backups('site');
    succeed(`npx holdfast pin site/${first?.id ?? ''} --note 'before the redesign'`);
    const decided = succeed('npx holdfast prune --dry-run');
    expect(decided).toMatch(/daily \d{4}-\d\d-\d\d, weekly \d{4}-W\d\d, monthly \d{4}-\d\d/);
    expect(decided).toContain('pinned by records/pin/site/');
  });
});

describe('recovery', () => {
  it('restores the full site from an archive alone', () => {
    const copy = path.join(place, 'backup.tar.gz');
    fs.copyFileSync(archive(), copy);
    const out = succeed('node scripts/recovery.js ../backup.tar.gz');
    const restored = /^ {2}to (.*)$/m.exec(out)?.[1] ?? '';
    expect(path.basename(restored)).toMatch(/^website-recovered-\d{8}T\d{6}Z$/);
    expect(diff(restored)).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('restores one path from an archive alone', () => {
    succeed('node scripts/recovery.js ../backup.tar.gz "app/blog/[slug]" --to ../one-path');
    const names = fs.readdirSync(path.join(place, 'one-path'), { recursive: true }).sort();
    expect(names).toEqual(['app', 'app/blog', 'app/blog/[slug]', 'app/blog/[slug]/page.tsx']);
  });

  it('restores with tar alone, in full and one path, and the checksums hold', () => {
    succeed('mkdir ../by-tar ../one-by-tar');
    succeed('tar -xzf ../backup.tar.gz -C ../by-tar');
    expect(diff(path.join(place, 'by-tar'))).toEqual({ status: 0, stdout: '', stderr: '' });
    const checked = succeed('sha256sum -c .holdfast/SHA256SUMS', path.join(place, 'by-tar'));
    expect(
      checked
        .trim()
        .split('\n')
        .every((line) => line.endsWith(': OK')),
    ).toBe(true);
    succeed('tar -xzf ../backup.tar.gz -C ../one-by-tar content/posts/post-3.mdx');
    const found = fs.readFileSync(path.join(place, 'one-by-tar/content/posts/post-3.mdx'), 'utf8');
    expect(found).toContain('An afterthought.');
  });

  it('restores in place after damage, once uncommitted changes may go, and takes it back', () => {
    const lost = path.join(site, 'public/images/4');
    fs.rmSync(lost, { recursive: true });
    fs.writeFileSync(path.join(site, 'content/posts/post-1.mdx'), 'defaced');
    fs.writeFileSync(path.join(site, 'node_modules/package-0/index.js'), 'patched');
    const lives = succeed('npx holdfast diff site/latest --live');
    expect(lives).toContain('content/posts/post-1.mdx');
    expect(lives).toContain('public/images/4/');
    expect(lives).not.toContain('node_modules');
    const refused = run(`node scripts/recovery.js '${archive()}' --in-place`);
    expect(refused.stderr).toContain('TARGET_REFUSED');
    expect(fs.existsSync(lost)).toBe(false);
    succeed(`node scripts/recovery.js '${archive()}' --in-place --allow-uncommitted`);
    expect(succeed('git status --porcelain')).toBe('');
    expect(fs.readFileSync(path.join(site, 'node_modules/package-0/index.js'), 'utf8')).toBe(
      'patched',
    );
    succeed('npx holdfast undo --allow-uncommitted');
    expect(fs.existsSync(lost)).toBe(false);
    expect(fs.readFileSync(path.join(site, 'content/posts/post-1.mdx'), 'utf8')).toBe('defaced');
    succeed(`node scripts/recovery.js '${archive()}' --in-place --allow-uncommitted`);
    expect(succeed('git status --porcelain')).toBe('');
  });

  it('refuses a backup whose manifest somebody altered', () => {
    const { id } = backups('site')[0] ?? { id: '' };
    succeed('cp -R backups ../forged');
    const manifest = path.join(place, `forged/backups/site/${id}/manifest.json`);
    const text = fs.readFileSync(manifest, 'utf8');
    fs.writeFileSync(manifest, text.replace('"branch":"main"', '"branch":"mine"'));
    const refused = run(`npx holdfast restore site/${id} --store ../forged --to ../never`);
    expect(refused.stderr).toContain('its signature does not match');
    expect(refused.status).toBe(12);
    expect(fs.existsSync(path.join(place, 'never'))).toBe(false);
  });

  it('validates a recovered site with its own commands', () => {
    const out = succeed('npx holdfast restore site --to ../staging --run-configured');
    expect(out).toMatch(/npm ci: done/);
    expect(out).toMatch(/npm run build: done/);
  });

  it('names what is corrupted, restores the affected file from elsewhere, and repairs the backup', () => {
    const at = archive();
    const bytes = fs.readFileSync(at);
    const middle = bytes.length >> 1;
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
    fs.writeFileSync(at, bytes);
    const found = run('node scripts/verify.js');
    expect(found.status).toBe(4);
    const named = /problem: (public\/images\/\S+\.png): damaged/.exec(found.stdout)?.[1] ?? '';
    expect(named).not.toBe('');
    const refused = run(`node scripts/recovery.js '${at}' --to ../damaged`);
    expect(refused.status).toBe(4);
    expect(fs.existsSync(path.join(place, 'damaged'))).toBe(false);
    const repaired = succeed('npx holdfast repair site/latest');
    expect(repaired).toContain('0 lost');
    const [id] = /\d{8}T\d{9}Z-repair/.exec(repaired) ?? [''];
    succeed(`npx holdfast restore site/${id} '${named}' --to ../affected`);
    expect(fs.readFileSync(path.join(place, 'affected', named))).toEqual(
      fs.readFileSync(path.join(site, named)),
    );
  });
});

interface Workflow {
  readonly on: Record<string, unknown>;
  readonly jobs: Record<string, { steps?: Step[]; needs?: string; uses?: string }>;
}

interface Step {
  readonly name?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly with?: Record<string, unknown>;
}

function workflow(name: string): Workflow {
  const text = fs.readFileSync(path.join(EXAMPLE, '.github/workflows', name), 'utf8');
  return parse(text) as Workflow;
}

function stepOf({ jobs }: Workflow, job: string, name: string): string {
  const step = jobs[job]?.steps?.find((one) => one.name === name);
  if (step?.run === undefined) throw new Error(`no step ${name}`);
  return step.run;
}

describe('the workflows', () => {
  const backup = workflow('backup.yml');

  it('run daily at 2 AM UTC, on demand and before a deployment, and keep artifacts for 90 days', () => {
    expect(backup.on).toMatchObject({ schedule: [{ cron: '0 2 * * *' }] });
    expect(Object.keys(backup.on)).toEqual(['schedule', 'workflow_dispatch', 'workflow_call']);
    const upload = backup.jobs['backup']?.steps?.find((one) =>
      one.uses?.includes('upload-artifact'),
    );
    expect(upload?.with).toMatchObject({ path: 'backups', 'retention-days': 90 });
    const { jobs } = workflow('deploy.yml');
    expect(jobs['deploy']?.needs).toBe('backup');
    expect(jobs['backup']?.uses).toBe('./.github/workflows/backup.yml');
    expect(workflow('restore-test.yml').on).toMatchObject({ schedule: [{ cron: '0 4 1 * *' }] });
  });

  it('name every action by its commit', () => {
    for (const name of ['backup.yml', 'deploy.yml', 'restore-test.yml']) {
      for (const { steps } of Object.values(workflow(name).jobs)) {
        for (const { uses } of steps ?? []) {
          if (uses !== undefined) expect(uses).toMatch(/^actions\/[a-z-]+@[0-9a-f]{40}$/);
        }
      }
    }
  });

  it('back up a fresh checkout, and once a month restore and check what they kept', () => {
    const checkout = path.join(place, 'runner/website');
    succeed(`git clone -q '${site}' '${checkout}'`);
    install(checkout);
    const key = fs.readFileSync(
      path.join(place, 'home/.config/holdfast/automatron-website.key'),
      'utf8',
    );
    const runner = {
      HOME: path.join(place, 'runner'),
      HOLDFAST_SIGNING_KEY: key.trim(),
      PART: 'full',
      TRIGGER: 'schedule',
      GITHUB_STEP_SUMMARY: path.join(place, 'runner/summary.md'),
      RUNNER_TEMP: path.join(place, 'runner'),
    };
    for (const name of ['Signing key', 'Back up', 'Verify', 'Summary', 'Remove the key']) {
      succeed(stepOf(backup, 'backup', name), checkout, runner);
    }
    expect(fs.readFileSync(runner.GITHUB_STEP_SUMMARY, 'utf8')).toContain('T020000000Z-schedule');
    const [store] = fs.readdirSync(path.join(checkout, 'backups/backups/site'));
    const alone = succeed(
      `ls backups/backups/site/${store ?? ''}/archive-*.tar.gz`,
      checkout,
    ).trim();
    // By now the private key is gone: nobody needs it to restore an archive.
    succeed(`node scripts/recovery.js ${alone} --to ../by-archive`, checkout, runner);
    const test = workflow('restore-test.yml');
    for (const name of ['Signing key', 'Verify', 'Restore into staging and check']) {
      succeed(stepOf(test, 'restore-test', name), checkout, runner);
    }
    expect(diff(path.join(place, 'runner/staging'))).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});

describe('the README', () => {
  it('refers to tests that exist', () => {
    const source = fs.readFileSync(import.meta.filename, 'utf8');
    const named = [...README.matchAll(/_“(.+?)”_/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(15);
    for (const name of named) expect(source).toContain(`it('${name}'`);
  });
});
