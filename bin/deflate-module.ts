// Compiles lib/deflate/assembly, which is AssemblyScript, to the WebAssembly that Holdfast carries in lib/deflate/compiled.ts.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';

const SOURCES = 'lib/deflate/assembly/';
/** Of 64 KiB each: all that it ever has. */
const PAGES = '38';

/** The text of the module that holds it; the same from the same source, whatever the machine. */
export function deflateModule(): string {
  // Compressed, for what starts fast is small; with brotli, which makes the same bytes on every kind of processor.
  const base64 = brotliCompressSync(compiled('deflate.ts')).toString('base64');
  return `// Compiled from assembly/deflate.ts by \`npm run docs\`: WebAssembly, by brotli, in base64.\nexport const DEFLATE_MODULE = '${base64}';\n`;
}

/** What a file of the encoder exports, as WebAssembly. */
export function compiled(source: string): Buffer {
  const scratch = mkdtempSync(join(tmpdir(), 'holdfast-assembly-'));
  try {
    const file = join(scratch, 'module.wasm');
    const compiler = 'node_modules/assemblyscript/bin/asc.js';
    const optimized = ['--optimizeLevel', '2', '--converge', '--noAssert'];
    const memory = ['--runtime', 'stub', '--memoryBase', '0'];
    const pages = ['--initialMemory', PAGES, '--maximumMemory', PAGES];
    execFileSync(
      process.execPath,
      [compiler, `${SOURCES}${source}`, '--outFile', file, ...optimized, ...memory, ...pages],
      {
        cwd: fileURLToPath(new URL('../', import.meta.url)),
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    return readFileSync(file);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
