// versitygw, built from the modules whose checksums are in versitygw/go.sum.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, globSync, readFileSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { CACHE, nameFor, runProgram } from './cache.ts';

const MODULE = join(import.meta.dirname, 'versitygw');
const PACKAGE = 'github.com/versity/versitygw/cmd/versitygw';

const GO_MOD = readFileSync(join(MODULE, 'go.mod'), 'utf8');
const GO_SUM = readFileSync(join(MODULE, 'go.sum'), 'utf8');
const BUILT = join(CACHE, nameFor('versitygw', GO_MOD, GO_SUM));

/** The program: the one that `HOLDFAST_VERSITYGW` names, or the one of the cache. */
export function versitygwProgram(): string | undefined {
  const named = process.env['HOLDFAST_VERSITYGW'];
  const path = named !== undefined && named !== '' ? named : BUILT;
  return existsSync(path) ? path : undefined;
}

/** Builds it into the cache, with nothing left behind: neither modules nor a cache of Go. */
export async function buildVersitygw(): Promise<void> {
  const making = await mkdtemp(`${BUILT}.making-`);
  try {
    const flags = execFileSync('go', ['env', 'GOFLAGS'], { encoding: 'utf8' }).trim();
    const env = {
      ...process.env,
      GOPATH: join(making, 'go'),
      GOMODCACHE: join(making, 'modules'),
      GOCACHE: join(making, 'cache'),
      // Folders that can be removed by whoever is not root.
      GOFLAGS: `${flags} -modcacherw`.trim(),
      GOTOOLCHAIN: 'local',
      // Without a compiler of C.
      CGO_ENABLED: '0',
    };
    const go = await suitableGo(making, env);
    const program = join(making, 'versitygw');
    const args = ['build', '-v', '-mod=readonly', '-trimpath', '-buildvcs=false', '-o', program];
    await runProgram(go, [...args, PACKAGE], { cwd: MODULE, env });
    await rename(program, BUILT);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** This machine's Go where go.mod can be built by it, or else the toolchain that go.mod names, which is a module like any other. */
async function suitableGo(making: string, env: NodeJS.ProcessEnv): Promise<string> {
  const here = execFileSync('go', ['env', 'GOVERSION'], { env, encoding: 'utf8' });
  const wanted = /^go (\S+)$/m.exec(GO_MOD)?.[1] ?? '';
  const toolchain = /^toolchain (\S+)$/m.exec(GO_MOD)?.[1] ?? '';
  if (!isOlder(here.trim().replace(/^go/, ''), wanted)) return 'go';
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const module = `golang.org/toolchain@v0.0.1-${toolchain}.linux-${architecture}`;
  // Outside of our module: an old Go does not understand its go.mod.
  await runProgram('go', ['mod', 'download', '-x', module], { cwd: making, env });
  const folder = join(env['GOMODCACHE'] ?? '', module);
  // Modules are kept without the mode of programs.
  for (const file of globSync(['bin/*', 'pkg/tool/**/*'], { cwd: folder })) {
    chmodSync(join(folder, file), 0o755);
  }
  return join(folder, 'bin/go');
}

/** Whether `version` comes before `than`, both as Go writes them: 1.19.8 and 1.25.0. */
export function isOlder(version: string, than: string): boolean {
  const numbers = (text: string) => text.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const [ours, theirs] = [numbers(version), numbers(than)];
  const different = [0, 1, 2].find((at) => (ours[at] ?? 0) !== (theirs[at] ?? 0));
  return different !== undefined && (ours[different] ?? 0) < (theirs[different] ?? 0);
}
