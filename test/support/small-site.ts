// A small site with one of everything that an archive holds, for tests that back one up hundreds of times.
import fs from 'node:fs';
import { noise, plant, prose } from './archives.ts';

/** Plants the site in the new folder `root`. */
export function plantSite(root: string): void {
  plant(root, {
    'package.json': '{"name":"site","version":"1.0.0"}',
    'index.html': prose(3000),
    'empty.txt': '',
    'empty folder/': '',
    'content/a.md': prose(20_000, 2),
    'content/b.md': prose(40_000, 3),
    'content/deep/er/c.md': 'c',
    'public/one.png': noise(30_000, 4),
    'public/two.png': noise(50_000, 5),
    'bin/run.sh': '#!/bin/sh\n',
  });
  fs.chmodSync(`${root}/bin/run.sh`, 0o755);
  fs.chmodSync(`${root}/content`, 0o750);
  fs.symlinkSync('../index.html', `${root}/content/link`);
  fs.linkSync(`${root}/public/one.png`, `${root}/public/same.png`);
}

/** Changes, adds and removes some of it. */
export function changeSite(root: string): void {
  fs.writeFileSync(`${root}/content/a.md`, prose(21_000, 7));
  fs.writeFileSync(`${root}/public/three.png`, noise(10_000, 8));
  fs.rmSync(`${root}/content/deep`, { recursive: true });
}
