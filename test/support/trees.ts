// Looks at trees on disk, and plants such as make backups stumble.
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import process from 'node:process';
import { bytesOf } from '../../lib/format/paths.ts';
import { noise, prose } from './archives.ts';

/** What a tree can be compared by: for each path, as a byte string, all that a backup keeps of it. */
export type TreeFacts = Record<string, string>;

export interface TreeOptions {
  /** Whether modification times count. */
  readonly times?: boolean;
  /** Whether directories' times count: extracting beside something changes them. */
  readonly folderTimes?: boolean;
  readonly without?: RegExp;
}

/** Type, mode, time to the microsecond, content and link target of everything below `root`, by path. */
export function factsOf(root: string, options: TreeOptions = {}): TreeFacts {
  const facts: TreeFacts = {};
  const visit = (folder: string) => {
    for (const name of fs.readdirSync(bytesOf(`${latin(root)}/${folder}`), {
      encoding: 'latin1',
    })) {
      const path = folder + name;
      if (options.without?.test(path) === true) continue;
      const at = bytesOf(`${latin(root)}/${path}`);
      const stats = fs.lstatSync(at, { bigint: true });
      facts[path] = describe(at, stats, options);
      if (stats.isDirectory()) visit(`${path}/`);
    }
  };
  visit('');
  return facts;
}

function latin(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function describe(
  at: Buffer,
  stats: fs.BigIntStats,
  { times = true, folderTimes = true }: TreeOptions,
): string {
  const mode = stats.isSymbolicLink() ? '' : (stats.mode & 0o7777n).toString(8);
  const timed = times && (folderTimes || !stats.isDirectory());
  // To the microsecond before, as an archive keeps it, for times before 1970 too.
  const micros = (stats.mtimeNs - (((stats.mtimeNs % 1000n) + 1000n) % 1000n)) / 1000n;
  const rest = [mode, timed ? String(micros) : ''].join(' ');
  if (stats.isDirectory()) return `directory ${rest}`;
  if (stats.isSymbolicLink())
    return `symlink ${rest} ${fs.readlinkSync(at, { encoding: 'latin1' })}`;
  if (!stats.isFile()) return `special ${rest}`;
  const sha256 = crypto.createHash('sha256').update(fs.readFileSync(at)).digest('hex');
  return `file ${rest} ${stats.nlink} ${stats.size} ${sha256}`;
}

/** Names that break scripts, terminals and encodings, all of them legal. */
export const ODD_NAMES: readonly string[] = [
  '-rf',
  ' leading and trailing ',
  'trailing dot.',
  'new\nline',
  'tab\tcarriage\rreturn',
  '\x1b[31mred\x1b]0;title\x07',
  'quotes\'"`$(id)%s;|&',
  'back\\slash',
  '*?[!a]{b,c}',
  'CON',
  'C:colon',
  ...['ä', 'e\u0301 NFD', '\u00e9 NFC', '\u{1f600}', '\u202ertl', '\u200bzero width', '漢字'].map(
    latin,
  ),
  '\xff\xfe not UTF-8',
  'half \xc3',
  'n'.repeat(255),
  latin('é'.repeat(127)),
  'SHA256SUMS',
  'a'.repeat(100),
  'a'.repeat(101),
  '...',
  '..a',
];

/** Every kind of entry that an archive keeps, with times from 1901 to 2400. */
export function plantEveryKind(root: string): void {
  fs.mkdirSync(root, { recursive: true });
  const at = (path: string) => bytesOf(`${latin(root)}/${path}`);
  const write = (path: string, content: string | Uint8Array, mode = 0o644) => {
    fs.writeFileSync(at(path), content);
    fs.chmodSync(at(path), mode);
  };
  for (const folder of ['odd', 'empty', 'links', 'modes', 'times', 'deep', 'large'])
    fs.mkdirSync(at(folder));
  for (const name of ODD_NAMES) write(`odd/${name}`, `named ${name}`);
  write('content', prose(150_000));
  write('noise', noise(30_000));
  write('nothing', '');
  write('blocks', prose(1024));
  write('a', 'sorts before a-b, and a.d/ between');
  write('a-b', 'x');
  fs.mkdirSync(at('a.d'));
  write('a.d/c', 'x');
  write('a0', 'x');
  write('large/split', Buffer.concat([prose(5 << 20), noise(1 << 20)]));
  write('large/zeros', '');
  fs.truncateSync(at('large/zeros'), 9 << 20);
  fs.symlinkSync('../content', at('links/good'));
  fs.symlinkSync('../gone', at('links/dangling'));
  fs.symlinkSync('loop', at('links/loop'));
  fs.symlinkSync('/etc/passwd', at('links/absolute'));
  fs.symlinkSync('../../../../outside', at('links/outside'));
  fs.symlinkSync('../empty', at('links/folder'));
  fs.symlinkSync(bytesOf('not UTF-8 \xff'), at('links/bytes'));
  fs.symlinkSync('t'.repeat(300), at('links/long'));
  fs.linkSync(at('content'), at('links/hard'));
  fs.linkSync(at('large/split'), at('zz-hard-large'));
  // What nobody may read, root alone reads.
  const unreadable = process.getuid?.() === 0 ? [0o000] : [];
  for (const mode of [...unreadable, 0o400, 0o444, 0o666, 0o755, 0o777])
    write(`modes/${mode.toString(8)}`, 'x', mode);
  fs.mkdirSync(at('modes/read-only'));
  write('modes/read-only/inside', 'x');
  fs.chmodSync(at('modes/read-only'), 0o555);
  fs.mkdirSync(at('modes/sticky'));
  fs.chmodSync(at('modes/sticky'), 0o1777);
  // Node takes times before 1970 as text alone.
  const times = [
    '-1.5',
    '-2000000000',
    '0',
    '0.000001',
    '1700000000.123456',
    '4000000000.5',
    '13569465600',
  ];
  times.forEach((time, i) => {
    write(`times/${i}`, time);
    fs.utimesSync(at(`times/${i}`), time, time);
  });
  let deep = 'deep';
  for (let i = 0; i < 12; i++) {
    deep += `/${'d'.repeat(200)}`;
    fs.mkdirSync(at(deep));
  }
  write(`${deep}/${'f'.repeat(200)}`, 'deep down');
  fs.utimesSync(at('empty'), 1_000_000_000, 1_000_000_000);
}

/** What is no content: a pipe that nobody writes to, and a socket that nobody listens on. */
export function plantSpecials(root: string): void {
  fs.mkdirSync(root, { recursive: true });
  execFileSync('mkfifo', [`${root}/pipe`]);
  const bind = 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])';
  execFileSync('python3', ['-c', bind, `${root}/socket`]);
}
