// A site in the shape of Next.js, for tests from end to end: routes, MDX, some hundred images, secrets, and what must not be backed up.
import fs from 'node:fs';
import path from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

export const IMAGES = 300;
export const POSTS = 40;

/** Writes the site to `folder`; `scripts` go into its package.json beside those of the site itself. */
export function writeNextSite(folder: string, scripts: Readonly<Record<string, string>>): void {
  const write = (file: string, content: string | Uint8Array) => {
    const at = path.join(folder, file);
    fs.mkdirSync(path.dirname(at), { recursive: true });
    fs.writeFileSync(at, content);
  };
  const name = 'automatron-website';
  const build = 'node scripts/build.js';
  write(
    'package.json',
    json({ name, version: '1.4.0', private: true, scripts: { build, ...scripts } }),
  );
  write(
    'package-lock.json',
    json({ name, version: '1.4.0', lockfileVersion: 3, requires: true, packages: {} }),
  );
  write('next.config.mjs', 'export default { pageExtensions: ["tsx", "mdx"] };\n');
  write('tsconfig.json', json({ compilerOptions: { strict: true, jsx: 'preserve' } }));
  write('.gitignore', 'node_modules\n.next\n.env\n/backups/\n');
  write('.env', 'CMS_TOKEN=never-in-a-backup-4711\n');
  write('.env.example', 'CMS_TOKEN=\n');
  write('scripts/build.js', "console.log('built');\n");
  write(
    'app/layout.tsx',
    'export default ({ children }) => <html><body>{children}</body></html>;\n',
  );
  write('app/page.tsx', 'export default () => <main>Automatron</main>;\n');
  write(
    'app/blog/[slug]/page.tsx',
    'export default ({ params }) => <article>{params.slug}</article>;\n',
  );
  write('app/(marketing)/about/page.tsx', 'export default () => <main>About</main>;\n');
  write('components/header.tsx', 'export const Header = () => <header />;\n');
  for (let i = 0; i < POSTS; i++) {
    write(
      `content/posts/post-${i}.mdx`,
      `---\ntitle: Post ${i}\n---\n\n${`Words of post ${i}. `.repeat(40 + i)}\n`,
    );
  }
  for (let i = 0; i < IMAGES; i++) write(`public/images/${i % 10}/image-${i}.png`, image(i));
  write('public/Übersicht 2026.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>\n');
  fs.symlinkSync('0/image-0.png', path.join(folder, 'public/images/hero.png'));
  for (let i = 0; i < 50; i++)
    write(`node_modules/package-${i}/index.js`, `module.exports = ${i};\n`);
  write('.next/server/app.js', 'what a build makes again\n'.repeat(1000));
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** A grey PNG of 48 × 48 points with a pattern of its own (RFC 2083). */
function image(seed: number): Buffer {
  const side = 48;
  const rows = Buffer.alloc((side + 1) * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++)
      rows[y * (side + 1) + x + 1] = (x * (seed + 7) + y * y * (seed + 1)) & 255;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type), data]);
  const around = Buffer.alloc(8);
  around.writeUInt32BE(data.length, 0);
  around.writeUInt32BE(crc32(typed), 4);
  return Buffer.concat([around.subarray(0, 4), typed, around.subarray(4)]);
}
