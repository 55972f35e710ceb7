// node scripts/recovery.js path/to/backup.tar.gz [path…] [--to FOLDER | --in-place] [options of `holdfast restore`]
//
// Restores the site, or some paths of it, from an archive: every byte is checked before it is written, and read back afterwards.
// Without --to it makes a new folder beside the site. With --in-place it restores over the site itself, for archives that
// lie in their store: what would be overwritten is saved first, and `npx holdfast undo` takes it back.
import path from 'node:path';
import process from 'node:process';
import { backupOf, holdfast, refuse, SITE } from './holdfast.js';

const [archive, ...rest] = process.argv.slice(2);

if (archive === undefined || archive.startsWith('-')) {
  refuse(
    'which archive? node scripts/recovery.js path/to/backup.tar.gz [path…] [--to FOLDER | --in-place]',
  );
}

if (rest.includes('--in-place')) {
  const backup = backupOf(archive);
  if (backup === undefined) {
    refuse(
      `${archive} does not lie in a store beside its manifest; restore it with --to, and look at it`,
    );
  }
  holdfast(['restore', backup.name, ...rest, '--store', backup.store]);
} else if (rest.includes('--to')) {
  holdfast(['restore', archive, ...rest]);
} else {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const to = path.join(path.dirname(SITE), `${path.basename(SITE)}-recovered-${time}`);
  holdfast(['restore', archive, ...rest, '--to', to]);
}
