import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { secretInText } from '../../../lib/sources/tree/secret-text.ts';
import { findSecret } from '../../../lib/sources/tree/secrets.ts';

const found = (text: string): string | undefined => secretInText(Buffer.from(text));

// Put together here, so that no scanner takes this file for a leak.
const token = (prefix: string, length: number): string =>
  prefix + 'aB3dE6gH9k'.repeat(30).slice(0, length);

/** What is made of a file with that content; of one that cannot be read where there is none. */
function judged(path: string, content?: string): 'left out' | 'noted' | undefined {
  const finding = findSecret(path, (maxBytes) => {
    if (content === undefined) return undefined;
    const bytes = Buffer.from(content, 'latin1');
    return { bytes: bytes.subarray(0, maxBytes), whole: bytes.length <= maxBytes };
  });
  return finding && (finding.leaveOut ? 'left out' : 'noted');
}

const VARIABLES = 'DB_PASSWORD=Sup3rS3cret!x\n';

describe('by name', () => {
  test.each([
    '.env',
    '.env.local',
    '.env.production',
    'apps/web/.env',
    '.ENV',
    'prod.env',
    '.envrc',
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
    'config/master.key',
  ])('%s is left out when it cannot be looked into', (path) => {
    expect(judged(path)).toBe('left out');
  });

  test.each([
    '.env.example',
    '.env.sample',
    '.env.template',
    '.env.dist',
    '.env.local.example',
    'example.env',
    'env.d.ts',
    '.env.d.ts',
    'server.crt',
    'ca.cer',
    'id_rsa.pub',
    'a.pub',
    'package.json',
    'config',
    'credentials',
    'credentials.md',
    'content/what-is-a.key.md',
    'keyboard.tsx',
    'monkey',
    'src/secrets.ts',
    'environment.ts',
    'environments/environment.prod.ts',
    '.env.d/a.conf',
    '.env/bin/activate',
    '.aws/config',
    'a.tf',
    'x.environment',
  ])('%s is taken whatever it holds', (path) => {
    expect(judged(path, `${VARIABLES}-----BEGIN PRIVATE KEY-----`)).toBeUndefined();
  });
});

describe('files of variables', () => {
  test.each([
    '.env', '.env.local', '.env.production.local', '.env~', '.env.bak', '.env.bak2', '.env.old', '.env.20260101', '.env-prod', '.env_live',
    '.env copy', '#.env#', '.#.env', '.env.local.swp', '..env.swp', 'prod.env', 'prod.env.bak', 'docker.env.local', 'env.local', 'env.prod~',
    '.dev.vars', '.dev.vars.production', '.flaskenv', '.envrc', '.env.keys', '.env.me',
  ])('%s is left out for its password, and for what cannot be parsed', (path) => {
    expect(judged(path, `# settings\nNODE_ENV=production\n${VARIABLES}`)).toBe('left out');
    expect(judged(path, `b0VIM 8.2\0\0\0${VARIABLES}`)).toBe('left out');
  }); // prettier-ignore

  test.each(['.env.production', '.env.development', '.env', '.flaskenv', '.env.bak'])(
    '%s is taken when all that it tells is public',
    (path) => {
      const text = [
        '\ufeff# Committed to git, and built into every page.',
        'NODE_ENV=production',
        'NEXT_PUBLIC_SITE_URL="https://example.org"',
        'export VITE_API=/api',
        'FLASK_APP=site.py',
        'DB_PASSWORD=',
        'API_TOKEN=${API_TOKEN}',
        'MAIL_PASSWORD=<your password>',
        '',
      ].join('\r\n');
      expect(judged(path, Buffer.from(text).toString('latin1'))).toBeUndefined();
      expect(judged(path, `${text}X=1\n`)).toBe('left out');
      expect(judged(path, `${text}PASSWORD=$ecret\n`)).toBe('left out');
      expect(judged(path, `NEXT_PUBLIC_URL=postgres://app:Tr0ub4dor@db/app\n`)).toBe('left out');
      // More than is looked at.
      expect(judged(path, `#${'x'.repeat(200_000)}\n`)).toBe('left out');
    },
  );

  test('env.NAME counts only with the form of variables', () => {
    expect(judged('env.setup', 'Run make first.\n')).toBeUndefined();
    expect(judged('env.setup', VARIABLES)).toBe('left out');
    expect(judged('src/env.ts', VARIABLES)).toBeUndefined();
    expect(judged('lib/Env.pm', VARIABLES)).toBeUndefined();
    // Many pages load such a file.
    expect(judged('assets/env.json', '{"api":"https://example.org"}')).toBeUndefined();
    expect(judged('assets/env.json', '{"apiKey":"Sup3rS3cret"}')).toBe('noted');
    expect(judged('.env.json', '{"api":"https://example.org"}')).toBe('left out');
  });
});

describe('keys', () => {
  const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = pem.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('latin1');
  const text = (form: string | Buffer) => form.toString('latin1');

  test.each([
    ['server.key', text(pem.privateKey.export({ type: 'pkcs8', format: 'pem' }))],
    ['server.key~', text(pem.privateKey.export({ type: 'sec1', format: 'pem' }))],
    ['server.pem', text(pem.privateKey.export({ type: 'pkcs8', format: 'pem' }))],
    ['server.key.old', der],
    ['AuthKey.p8', text(pem.privateKey.export({ type: 'pkcs8', format: 'pem' }))],
    ['putty.ppk', 'PuTTY-User-Key-File-3: ssh-ed25519\r\n'],
    ['wireguard.key', `${token('', 43)}=\n`],
    ['session.key', 'a2c4'.repeat(16)],
    ['raw.key', '\x01\x02\xff\x80'.repeat(8)],
    ['id_rsa.bak', ''],
  ])('%s is left out', (path, content) => {
    expect(judged(path, content)).toBe('left out');
  });

  test.each([
    ['content/talk.key', 'PK\x03\x04 a Keynote presentation is a zip'],
    ['content/talk.key', `PK\x03\x04${'\0\x01'.repeat(4000)}`],
    ['i18n/translation.key', 'k'],
    ['i18n/translation.key', 'title: The key to good music\nauthor: nobody\n'],
    ['oauth-public.key', text(pem.publicKey.export({ type: 'spki', format: 'pem' }))],
    ['wg-public.key', `${token('', 43)}=\n`],
    [
      'bundle.pem',
      '-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUe\n-----END CERTIFICATE-----\n',
    ],
    ['empty.key', ''],
  ])('%s is not one, and taken', (path, content) => {
    expect(judged(path, content)).toBeUndefined();
  });
});

describe('settings', () => {
  test.each([
    [
      'wp-config.php',
      "<?php\ndefine( 'DB_PASSWORD', 'Sup3rS3cret!x' );\ndefine('AUTH_KEY', 'a8 d7f98as 7df98a#7sdf');",
    ],
    ['wp-config.php.bak', "define('DB_PASSWORD','Sup3rS3cret!x');"],
    ['sites/default/settings.php', "$databases['default'] = ['password' => 'Sup3rS3cret!x'];"],
    ['app/etc/env.php', "return ['db' => ['password' => 'Sup3rS3cret!x']];"],
    ['config.production.json', '{"database":{"connection":{"password":"Sup3rS3cret!x"}}}'],
    ['appsettings.Production.json', '{"Db":"x","ApiKey":"Sup3rS3cret"}'],
    ['config/database.yml', 'production:\n  password: Sup3rS3cret!x\n'],
    ['docker-compose.yml', '    environment:\n      - POSTGRES_PASSWORD=Sup3rS3cret\n'],
    ['application.properties', 'spring.datasource.password=Sup3rS3cret\n'],
    ['settings.py', "SECRET_KEY = 'django-8s7df98as7df98'"],
    ['deploy.sh', `export AWS_SECRET_ACCESS_KEY=${token('', 40)}\n`],
    ['.vscode/sftp.json', '{"host":"example.org","password":"Sup3rS3cret!x"}'],
  ])('%s with a password in it is taken, and noted', (path, content) => {
    expect(judged(path, content)).toBe('noted');
  });

  test.each([
    [
      'wp-config-sample.php',
      "define( 'DB_PASSWORD', 'password_here' );\ndefine('AUTH_KEY', 'put your unique phrase here');",
    ],
    ['config/database.yml', "production:\n  password: <%= ENV['DB_PASSWORD'] %>\n"],
    ['config.py', "password = os.environ['PASSWORD']\n"],
    ['config.php', "<?php return ['password' => env('DB_PASSWORD')];"],
    ['docker-compose.yml', '      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD}\n'],
    ['tsconfig.json', '{"compilerOptions":{"strict":true}}'],
    ['deploy.sh', 'TOKEN="$1"\nPASSWORD=$(cat secret)\n'],
  ])('%s without one is taken and not spoken of', (path, content) => {
    expect(judged(path, content)).toBeUndefined();
  });

  test.each([
    ['.npmrc', '//registry.npmjs.org/:_authToken=', 'registry=https://registry.npmjs.org/'],
    ['secrets.yml', 'wifi: ', 'wifi: ENC[AES256_GCM,data:x]\n'],
    ['content/credentials.json', '{"client_secret":"', '{"client_secret":"","list":[]}'],
  ])('%s is left out only for what it holds', (path, before, harmless) => {
    expect(judged(path, `${before}${token('', 36)}"}`)).toBe('left out');
    expect(judged(path, harmless)).toBeUndefined();
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
