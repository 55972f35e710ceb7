// The certificates that RDS signs those of its servers with. `npm run docs` writes the file, from the package that carries them; what
// bundles this puts the file beside it.
import { fileURLToPath } from 'node:url';

/** Absolute. */
export const CERTIFICATES_OF_RDS = fileURLToPath(
  new URL('./certificates-of-rds.pem', import.meta.url),
);
