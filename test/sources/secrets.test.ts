import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { contentDecides, looksLikeSecret, secretInText } from '../../lib/sources/secrets.ts';

const found = (text: string): string | undefined => secretInText(Buffer.from(text));

// Put together here, so that no scanner takes this file for a leak.
const token = (prefix: string, length: number): string =>
  prefix + 'aB3dE6gH9k'.repeat(30).slice(0, length);

describe('by name', () => {
  test.each([
    '.env',
    '.env.local',
    '.env.production',
    'apps/web/.env',
    '.ENV',
    'prod.env',
    '.envrc',
    'server.pem',
    'tls/server.key',
    '.ssh/id_rsa',
    'id_ed25519',
    'id_ecdsa_sk',
    '.netrc',
    '.pgpass',
    'a.p12',
    'a.pfx',
    'a.jks',
    'release.keystore',
    'service-account.json',
    'service-account-prod.json',
    'serviceAccountKey.json',
    'credentials.json',
    'home/.aws/credentials',
    '.kube/config',
    '.docker/config.json',
    '.htpasswd',
    'secrets.yml',
    'secrets.yaml',
    'terraform.tfstate',
    'terraform.tfstate.backup',
    '.vault-token',
  ])('%s is a secret', (path) => {
    expect(looksLikeSecret(path)).toEqual(expect.any(String));
  });

  test.each([
    '.env.example',
    '.env.sample',
    '.env.template',
    '.env.dist',
    '.env.local.example',
    'example.env',
    'env.d.ts',
    'server.crt',
    'ca.cer',
    'id_rsa.pub',
    'a.pub',
    '.npmrc',
    'package.json',
    'config',
    'config.json',
    'credentials',
    'credentials.md',
    'keyboard.tsx',
    'monkey',
    'src/secrets.ts',
    'environment.ts',
    '.aws/config',
    '.github/config.json',
    'a.tf',
    'x.environment',
    'docker/config.json',
  ])('%s is none', (path) => {
    expect(looksLikeSecret(path)).toBeUndefined();
  });

  test('settings and PEM files are to be looked into', () => {
    expect(['a/.npmrc', '.yarnrc.yml', 'global-bundle.pem'].every(contentDecides)).toBe(true);
    expect(['.env', 'server.key', 'package.json'].some(contentDecides)).toBe(false);
  });
});

describe('by content', () => {
  test('finds private keys of each form, also inside JSON', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const forms = [
      rsa.export({ type: 'pkcs1', format: 'pem' }),
      rsa.export({ type: 'pkcs8', format: 'pem' }),
      rsa.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
      rsa.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
      ec.export({ type: 'sec1', format: 'pem' }),
    ].map(String);
    for (const form of forms) {
      expect(found(form)).toBe('private key');
      expect(found(form.replaceAll('\n', '\r\n'))).toBe('private key');
      expect(found(JSON.stringify({ private_key: form }))).toBe('private key');
    }
  });

  test('finds keys of OpenSSH and PGP', () => {
    const body = `${token('b3BlbnNzaC1rZXk', 70)}\n`;
    expect(found(`-----BEGIN OPENSSH PRIVATE KEY-----\n${body}`)).toBe('private key');
    const comment = 'Version: GnuPG v2\nComment: a b c\n\n';
    expect(found(`-----BEGIN PGP PRIVATE KEY BLOCK-----\n${comment}${body}`)).toBe('private key');
  });

  test.each([
    [
      'AWS secret access key',
      `aws_access_key_id=AKIA2E0A8F3B244C9986\naws_secret_access_key = ${token('', 40)}\n`,
    ],
    ['AWS secret access key', `{"SecretAccessKey": "${token('', 40)}"}`],
    ['GitHub token', `GITHUB_TOKEN=${token('ghp_', 36)}`],
    ['GitHub token', token('github_pat_', 82)],
    ['Slack token', `slack: ${token('xoxb-', 50)}`],
    ['Stripe key', token('sk_live_', 24)],
    ['npm token', `//registry.npmjs.org/:_authToken=${token('', 36)}`],
    ['password in a URL', 'DATABASE_URL=postgres://app:hunter2!x@db.internal:5432/app'],
    [
      'password in a URL',
      'see postgres://user:password@localhost and redis://:s3cr3tpw@cache:6379',
    ],
  ])('finds a %s', (kind, text) => {
    expect(found(text)).toBe(kind);
  });

  test.each([
    'DATABASE_URL=postgres://user:password@localhost:5432/db',
    'postgres://app:${PGPASSWORD}@db/app',
    'postgres://app:<password>@db/app',
    'postgres://app@db/app',
    'https://example.org:8080/path@2x.png',
    '//registry.npmjs.org/:_authToken=${NPM_TOKEN}',
    'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    "if (pem.startsWith('-----BEGIN PRIVATE KEY-----')) return parse(pem);",
    '-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUe\n-----END CERTIFICATE-----\n',
    '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZI\n-----END PUBLIC KEY-----\n',
    `integrity: sha512-${token('', 86)}==`,
    '',
  ])('finds nothing in %j', (text) => {
    expect(found(text)).toBeUndefined();
  });

  test('never quotes what it found', () => {
    const secret = token('', 36);
    expect(found(`_authToken=${secret}`)).not.toContain(secret);
  });

  test('looks past a placeholder for a real one behind it', () => {
    expect(found('postgres://a:password@b\npostgres://a:Tr0ub4dor@b')).toBe('password in a URL');
  });

  test('ends on hostile text', () => {
    for (const unit of [
      '-----BEGIN ',
      'A: b\n',
      'postgres://a:',
      '_auth=',
      'secretaccesskey ',
      'xoxb-a-',
    ]) {
      expect(found(unit.repeat(40_000))).not.toBe('private key');
    }
  });
});
