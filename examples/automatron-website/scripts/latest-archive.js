// node scripts/latest-archive.js [source]
//
// Prints where the archive of the newest good backup lies, for tar and other tools.
import path from 'node:path';
import process from 'node:process';
import { holdfast, refuse } from './holdfast.js';

const source = process.argv[2] ?? 'site';
const { store, backups } = JSON.parse(holdfast(['list', source, '--json'], { capture: true }));
const newest = backups.filter(({ good }) => good).at(-1);
if (newest === undefined) refuse(`there is no good backup of ${source}`);

console.log(path.join(store, newest.artifacts.find(({ role }) => role === 'archive').key));
