// Loaded before a program: a machine whose file systems know no hard links, as FAT, exFAT and some network file systems do.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import process from 'node:process';

const code = process.env['HOLDFAST_TEST_LINK_ERROR'];
const refused = () =>
  Object.assign(new Error(`${code ?? ''}: refused, link`), { code, syscall: 'link', errno: -1 });

fs.linkSync = () => {
  throw refused();
};
fs.promises.link = () => Promise.reject(refused());
syncBuiltinESMExports();
