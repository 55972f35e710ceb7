// The values that options share, each with what is allowed: messages, the JSON Schema and the documentation all quote it.
import * as z from 'zod/mini';

import { DURATION, SIZE } from '../units.ts';

/** A path as people write it: absolute, relative, or from `~`. */
export const PATH = /^(?!~[^/])[^\0]+$/;

/** Text of a form; `allowed` is its title, and `example` what a rule that looks at the rest of the file takes for a faulty value. */
export const text = (pattern: RegExp, allowed: string, example?: string) => {
  const schema = z.string().check(z.regex(pattern));
  const examples = example === undefined ? {} : { examples: [example] };
  return schema.register(z.globalRegistry, { title: allowed, ...examples });
};

/** The schema itself, with what it means: `describe` would add a copy of each to every start. */
export const means = <T extends z.ZodMiniType>(schema: T, description: string): T => {
  z.globalRegistry.add(schema, { ...z.globalRegistry.get(schema), description });
  return schema;
};

const DURATION_ALLOWED = 'a duration such as 90m, 24h or 7d';
/** A duration, as {@link DURATION} has it. */
export const duration = () => text(DURATION, DURATION_ALLOWED);
/** A duration above zero. */
export const positiveDuration = () =>
  z
    .string()
    .check(z.regex(DURATION), z.regex(/[1-9]/))
    .register(z.globalRegistry, { title: DURATION_ALLOWED });
/** A name of a time zone; whether it is one is for the rules. */
export const timeZone = () =>
  text(/^[A-Za-z][A-Za-z0-9_+/-]*$/, 'a time zone such as UTC or Europe/Berlin');
/** A size, or a number of bytes. */
export const size = () =>
  z
    .union([z.string().check(z.regex(SIZE)), z.int().check(z.minimum(1))])
    .register(z.globalRegistry, {
      title: 'a size such as 500 MB or 20 GiB, or a number of bytes',
    });
/** A number of things that are kept. */
export const count = () => z.int().check(z.minimum(0), z.maximum(10_000));
/** A place in a file or on AWS where a secret is; never the secret. `example` as for {@link text}. */
export const reference = (to: string, example: string) =>
  text(new RegExp(`^(${REFERENCE})$`), `a reference to ${to}: ${REFERENCE_FORMS}`, example);

/** Names of secrets that RDS manages have an exclamation mark. */
const REFERENCE =
  'env:[A-Za-z_][A-Za-z0-9_]*|file:(?!~[^/])[^\\0]+|ssm:\\/[\\w./-]+|secret:[\\w/+=.@:!-]+';
const REFERENCE_FORMS = 'file:PATH, env:NAME, ssm:/NAME or secret:NAME';

/** A {@link reference}, or a word that stands for something else. */
export const referenceOr = (word: string, meaning: string, to: string, example: string) =>
  text(
    new RegExp(`^(${word}|${REFERENCE})$`),
    `${word} (${meaning}), or a reference to ${to}: ${REFERENCE_FORMS}`,
    example,
  );

/** The number of an AWS account. YAML would take away leading zeros, so only text is taken. */
export const account = () => text(/^\d{12}$/, 'twelve digits in quotes, such as "123456789012"');

/** The name of a region of AWS. */
export const region = () =>
  text(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region of AWS such as eu-central-1', 'eu-central-1');
