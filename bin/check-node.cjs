// Runs under any Node, before what needs a newer one: says what is wrong instead of failing with a syntax error.
'use strict';

var version = process.versions.node;
var parts = version.split('.').map(Number);

if (parts[0] < 22 || (parts[0] === 22 && parts[1] < 15)) {
  process.stderr.write(
    [
      'error: this is Node ' + version + '; Holdfast needs 22.15 or newer',
      '  `npm ci` brings a Node of its own, by the install script of the package "node".',
      '  If you ran it, that script was skipped. Run it now, or install a newer Node (https://nodejs.org):',
      '    npm rebuild node esbuild --ignore-scripts=false',
      '',
    ].join('\n'),
  );
  process.exitCode = 1;
}
