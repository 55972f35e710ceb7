// node scripts/verify.js [path/to/backup.tar.gz] [options of `holdfast verify`]
//
// Proves the newest backups, all of them (--all), or the one whose archive is named: manifest and signature, archive format, and the
// SHA-256 of every file. The evidence is kept in the store.
import process from 'node:process';
import { backupOf, holdfast, refuse } from './holdfast.js';

const [first, ...rest] = process.argv.slice(2);

if (first?.endsWith('.tar.gz')) {
  const backup = backupOf(first);
  if (backup === undefined) {
    refuse(
      `${first} does not lie in a store beside its manifest; node scripts/recovery.js checks it while restoring`,
    );
  }
  holdfast(['verify', backup.name, ...rest, '--store', backup.store]);
} else {
  holdfast(['verify', ...process.argv.slice(2)]);
}
