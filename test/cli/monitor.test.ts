// What monitors get of `status`: an exit code, a line, a file of metrics.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makePlace, type Place } from '../support/command-line.ts';

let place: Place;

beforeAll(async () => {
  place = await makePlace();
  await place.write({ 'index.html': 'hello' });
  await place.run(['init', '--system', 'shop', '--store', './backups']);
  expect((await place.run(['backup'])).exit).toBe(0);
});
afterAll(() => place.remove());

test('what is well is told by silence, a line and a file', async () => {
  expect(await place.run(['status', '--quiet'])).toEqual({ exit: 0, stdout: '', stderr: '' });
  const { exit, stdout } = await place.run(['status', '--nagios', '--prometheus', '../well.prom']);
  expect([exit, stdout]).toEqual([
    0,
    expect.stringMatching(/^HOLDFAST OK - 1 source is well \| 'site_age'=\d+s\n$/),
  ]);
  const text = await readFile(path.join(place.root, 'well.prom'), 'utf8');
  expect(text).toContain('holdfast_well{system="shop"} 1\n');
  expect(text).toMatch(/^holdfast_recovery_point_age_seconds\{system="shop",source="site"\} \d+$/m);
  // The text format: comments, and samples of a name, labels and a number.
  for (const line of text.trimEnd().split('\n'))
    expect(line).toMatch(
      /^(# (HELP|TYPE) holdfast_\w+ .+|holdfast_\w+\{(\w+="[^"]*",?)+\} [\d.]+)$/,
    );
  expect((await readdir(place.root)).filter((name) => name.includes('.prom'))).toEqual([
    'well.prom',
  ]);
});

test('a database that nothing backs up is named, and so is one that something else does', async () => {
  const first = async () => (await place.run(['status'])).stdout.split('\n').slice(0, 2);
  expect((await first())[0]).toContain('everything is as it should be');
  await place.write({ '.env.production': 'DATABASE_URL=mysql://blog:x@db.example/blog\n' });
  expect(await first()).toEqual([
    expect.stringContaining('everything that is configured is as it should be'),
    expect.stringMatching(
      /^ {2}not judged: MySQL.* is not backed up \(seen in \.env\.production\); /,
    ),
  ]);
  expect(await place.json(['status'])).toMatchObject({ uncoveredDatabases: [{ option: 'mysql' }] });
  const file = path.join(place.site, 'holdfast.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, `${text}\notherDatabases: { mysql: elsewhere }\n`);
  expect((await first())[1]).toBe('  not judged: mysql: backed up elsewhere');
  await writeFile(file, text);
  await rm(path.join(place.site, '.env.production'));
});

test('what is damaged is told by an exit code, a line and a finding', async () => {
  const backups = path.join(place.site, 'backups', 'backups', 'site');
  const [id = ''] = await readdir(backups);
  const archive = (await readdir(path.join(backups, id))).find((name) =>
    name.startsWith('archive'),
  );
  await rm(path.join(backups, id, archive ?? ''));
  const quiet = await place.run(['status', '--quiet']);
  expect([quiet.exit, quiet.stdout]).toEqual([4, expect.stringMatching(/^site: .*\n/)]);
  const { exit, stdout } = await place.run(['status', '--nagios', '--prometheus', '../bad.prom']);
  expect([exit, stdout]).toEqual([2, expect.stringMatching(/^HOLDFAST CRITICAL - site: [^|\n]*/)]);
  const text = await readFile(path.join(place.root, 'bad.prom'), 'utf8');
  expect(text).toContain('holdfast_well{system="shop"} 0\n');
  expect(text).toMatch(
    /^holdfast_finding\{system="shop",source="site",code="[\w-]+",severity="alarm"\} 1$/m,
  );
});

test('what cannot be told is unknown, and never well', async () => {
  await writeFile(path.join(place.root, 'none.yaml'), 'version: 1\n');
  const { exit, stdout } = await place.run(['status', '--nagios', '-c', '../none.yaml']);
  expect([exit, stdout]).toEqual([3, expect.stringMatching(/^HOLDFAST UNKNOWN - /)]);
  expect(stdout.trimEnd()).not.toContain('\n');
});
