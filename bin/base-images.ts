// Which images a Dockerfile begins with, and the same Dockerfile with each named by its digest. Pure.

/** What was found, and what came of it. */
export interface Pinned {
  readonly text: string;
  /** `debian:trixie-slim@sha256:…` */
  readonly images: readonly string[];
}

const FROM = /^(FROM )(\S+)( AS \S+)?$/gm;
const ARG = /^ARG (\w+)=(\S+)$/gm;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** `text` with the digest of each base image, whose variables are replaced: a digest is of one image alone. */
export function pinned(text: string, digestOf: (image: string) => string): Pinned {
  const values = new Map([...text.matchAll(ARG)].map(([, name, value]) => [name, value]));
  const images: string[] = [];
  const changed = text.replaceAll(
    FROM,
    (_, from: string, named: string, as: string | undefined) => {
      const image = named
        .replace(/@sha256:.*$/, '')
        .replaceAll(/\$\{?(\w+)\}?/g, (variable, name: string) => {
          const value = values.get(name);
          if (value === undefined) throw new Error(`${variable} in ${named} has no value`);
          return value;
        });
      const digest = digestOf(image);
      if (!DIGEST.test(digest))
        throw new Error(`the registry gave no valid digest of ${image}: ${digest}`);
      images.push(`${image}@${digest}`);
      return `${from}${image}@${digest}${as ?? ''}`;
    },
  );
  if (images.length === 0) throw new Error('it begins with no image');
  return { text: changed, images };
}
