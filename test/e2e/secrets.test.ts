// No secret ever comes out: canaries in keys, in the environment and in the site are in no output, record, manifest or artifact.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { makeKeys } from '../support/engine.ts';
import { plantSite } from '../support/small-site.ts';
import { makeSystem, type Ended, type StartOptions, type System } from '../support/system.ts';

const TIMEOUT_MS = 240_000;
const CANARY = 'c4n4ry-Zq8Xw2Lr7Tn5Vb3K';

/** Every verb, those that fail included. */
const COMMANDS: readonly (readonly string[])[] = [
  ['backup'],
  ['backup', '--full', '--json'],
  ['backup', '--dry-run'],
  ['list'],
  ['list', '--json'],
  ['show', 'site/latest'],
  ['log', '--json'],
  ['status'],
  ['status', '--json'],
  ['verify', '--all', '--json'],
  ['restore-test', '--json'],
  ['restore', 'site/latest', '--to', 'restored', '--json'],
  ['restore', 'site/latest', '--to', 'restored'],
  ['restore', 'site/nothing', '--to', 'elsewhere', '--json'],
  ['diff', 'site/latest', '--live'],
  ['prune', '--json'],
  ['config', 'show'],
  ['config', 'validate'],
  ['doctor', '--json'],
  ['backup', 'no-such-source'],
  ['--no-such-option'],
];

const hexLines = (pem: string) =>
  pem.split('\n').filter((line) => line.length > 20 && !line.startsWith('-'));

/** What the system must never let out. */
function secretsOf({ keyFile }: System): string[] {
  return [CANARY, ...hexLines(fs.readFileSync(keyFile, 'utf8'))];
}

function expectSilence(what: string, text: string, secrets: readonly string[]): void {
  expect({ what, told: secrets.filter((secret) => text.includes(secret)).length }).toEqual({
    what,
    told: 0,
  });
}

function plant(site: string): void {
  plantSite(site);
  fs.writeFileSync(`${site}/.env`, `STRIPE_KEY=${CANARY}\n`);
  fs.writeFileSync(`${site}/.env.production`, `DATABASE_URL=postgres://user:${CANARY}@db/site\n`);
  fs.writeFileSync(`${site}/.env.example`, 'STRIPE_KEY=\n');
}

/** Runs commands and looks at all that is said and stored. */
async function expectNothingTold(
  system: System,
  secrets: readonly string[],
  { commands = COMMANDS, ...options }: StartOptions & { commands?: typeof COMMANDS } = {},
): Promise<Ended[]> {
  const ended: Ended[] = [];
  for (const args of commands) {
    const one = await system.run(args, options);
    ended.push(one);
    expectSilence(args.join(' '), one.stdout + one.stderr, secrets);
  }
  for (const file of filesBelow(system.folder)) {
    const bytes = fs.readFileSync(file);
    expectSilence(file, bytes.toString('latin1'), secrets);
    if (file.endsWith('.gz'))
      expectSilence(`${file}, inflated`, zlib.gunzipSync(bytes).toString('latin1'), secrets);
  }
  return ended;
}

function filesBelow(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

describe('a secret', () => {
  test(
    'in the key file, the environment or a .env file is in no output and no stored byte',
    async () => {
      using system = makeSystem({ plant });
      const env = { STRIPE_KEY: CANARY, DATABASE_URL: `postgres://user:${CANARY}@db/site` };
      const ended = await expectNothingTold(system, secretsOf(system), { env });
      expect(ended[0]).toMatchObject({
        exit: 0,
        stdout: expect.stringContaining('.env.production'),
      });
      // What the archive holds shows that the look was at the right place.
      const archive = filesBelow(system.folder).find((file) => file.endsWith('.tar.gz')) ?? '';
      expect(zlib.gunzipSync(fs.readFileSync(archive)).toString('latin1')).toContain(
        '.env.example',
      );
    },
    TIMEOUT_MS,
  );

  test(
    'that is no key, where a key should be, is not told by the complaint',
    async () => {
      using system = makeSystem({ plant });
      const file = path.join(system.root, 'holdfast.yaml');
      const text = fs.readFileSync(file, 'utf8');
      fs.writeFileSync(file, text.replace(/key: 'file:[^']*'/, "key: 'env:SIGNING_KEY'"));
      const pem = makeKeys().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      const cut = pem.replace('-----END PRIVATE KEY-----', '');
      for (const value of [
        CANARY,
        `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----\n`,
        cut,
        `file:${CANARY}`,
      ]) {
        const refused = await system.run(['backup', '--json'], { env: { SIGNING_KEY: value } });
        expect(refused.exit).toBe(2);
        expectSilence('backup', refused.stdout + refused.stderr, [CANARY, ...hexLines(pem)]);
      }
      // The very same reference with a key in it works, and tells nothing either.
      const commands = [['backup', '--json'], ['verify'], ['config', 'show']];
      const env = { SIGNING_KEY: pem };
      await expectNothingTold(system, [CANARY, ...hexLines(pem)], { env, commands });
    },
    TIMEOUT_MS,
  );
});
