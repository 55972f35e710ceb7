// Text that compresses as real text does: source files, prose, log lines, SQL rows, drawn from a vocabulary with Zipf's law.
import { createRandom } from './random.ts';
import type { Random } from './random.ts';

const WORD_COUNT = 24_000;
const ONSETS =
  'b c d f g h j k l m n p r s t v w br ch cl cr dr fl fr gr pl pr sh sl st str th tr'.split(' ');
const VOWELS = 'a e i o u ai ea ee io ou'.split(' ');
const CODAS = ['', '', '', 'l', 'm', 'n', 'nd', 'ng', 'r', 'rt', 's', 'st', 't', 'x'];

function inventWord(random: Random): string {
  let word = '';
  for (let left = random.between(1, 3); left > 0; left -= 1) {
    word += random.pick(ONSETS) + random.pick(VOWELS) + random.pick(CODAS);
  }
  return word;
}

const VOCABULARY: readonly string[] = (() => {
  const random = createRandom('vocabulary');
  const words = new Set<string>();
  while (words.size < WORD_COUNT) words.add(inventWord(random));
  return [...words];
})();

/** A word; the n-th of the vocabulary comes about n times as seldom as the first. */
export function word(random: Random): string {
  const rank = Math.floor(WORD_COUNT ** random.float());
  return VOCABULARY[rank - 1] ?? 'the';
}

/** `count` words with spaces between. */
export function words(random: Random, count: number): string {
  let text = word(random);
  for (let left = count - 1; left > 0; left -= 1) text += ` ${word(random)}`;
  return text;
}

function sentence(random: Random): string {
  const text = words(random, random.between(6, 18));
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function repeatTo(bytes: number, line: () => string): string {
  let text = '';
  while (text.length < bytes) text += line();
  return text;
}

type Line = (random: Random, name: () => string) => string;

const CODE_LINES: readonly Line[] = [
  (_, name) => `  const ${name()} = ${name()}(${name()}.${name()});\n`,
  (random, name) =>
    `  const ${name()} = await ${name()}({ ${name()}, limit: ${random.integer(500)} });\n`,
  (_, name) => `  if (!${name()}.${name()}) {\n    return ${name()};\n  }\n`,
  (random) => `  // ${sentence(random)}\n`,
  (_, name) => `  for (const ${name()} of ${name()}) {\n    ${name()}.push(${name()});\n  }\n`,
  (random, name) => `  ${name()}.set('${word(random)}', ${name()});\n`,
  (random, name) =>
    `  throw new Error(\`${words(random, 4)} \${${name()}}: ${words(random, 3)}\`);\n`,
  (_, name) => `}\n\nexport function ${name()}(${name()}: string, ${name()} = ${name()}) {\n`,
];

const MARKUP_LINES: readonly Line[] = [
  (random, name) =>
    `      <div className="flex gap-${random.between(1, 8)} text-${random.pick(['sm', 'lg', 'xl'])} ${word(random)}">\n        {${name()}.map((${name()}) => <${capital(name())} key={${name()}} />)}\n      </div>\n`,
  (random) => `      <p className="mt-${random.between(1, 12)}">${sentence(random)}</p>\n`,
  (random, name) =>
    `      <Image src="/images/${word(random)}-${random.integer(999)}.webp" alt="${words(random, 4)}" width={${random.between(64, 1600)}} height={${name()}} />\n`,
];

function nameOf(random: Random): string {
  return word(random) + capital(word(random));
}

/** About `bytes` of TypeScript-like source; each file has its own few names, as files have. */
export function sourceText(random: Random, bytes: number, markup = false): string {
  const names = Array.from({ length: random.between(12, 40) }, () => nameOf(random));
  const name = (): string => random.pick(names);
  const lines = markup ? [...CODE_LINES, ...MARKUP_LINES, ...MARKUP_LINES] : CODE_LINES;
  let head = '';
  for (let left = random.between(1, 6); left > 0; left -= 1) {
    head += `import { ${name()}, ${name()} } from '../${word(random)}/${word(random)}';\n`;
  }
  head += `\nexport function ${name()}(${name()}: string) {\n`;
  return head + repeatTo(bytes - head.length, () => random.pick(lines)(random, name)) + '}\n';
}

/** About `bytes` of an article: front matter, headings, paragraphs. */
export function articleText(random: Random, bytes: number): string {
  const head = `---\ntitle: ${words(random, 5)}\ndate: 2026-0${random.between(1, 9)}-1${random.integer(10)}\ntags: [${word(random)}, ${word(random)}]\n---\n\n`;
  return head + repeatTo(bytes - head.length, () => paragraph(random));
}

function paragraph(random: Random): string {
  if (random.integer(6) === 0) return `## ${capital(words(random, 4))}\n\n`;
  let text = '';
  for (let left = random.between(2, 6); left > 0; left -= 1) text += `${sentence(random)} `;
  return `${text.trimEnd()}\n\n`;
}

/** About `bytes` of a JSON array of flat objects. */
export function jsonText(random: Random, bytes: number): string {
  const row = (): string =>
    `  {\n    "id": ${random.integer(100_000)},\n    "slug": "${word(random)}-${word(random)}",\n    "title": "${words(random, 4)}",\n    "published": ${random.integer(2) === 1}\n  },\n`;
  return `[\n${repeatTo(bytes - 60, row)}  {\n    "id": 0\n  }\n]\n`;
}

/** About `bytes` of a lock file: names, versions, and digests that do not compress. */
export function lockText(random: Random, bytes: number): string {
  const row = (): string => {
    const name = `${word(random)}-${word(random)}`;
    const version = `${random.integer(20)}.${random.integer(30)}.${random.integer(12)}`;
    const digest = random.bytes(64).toString('base64');
    return `    "node_modules/${name}": {\n      "version": "${version}",\n      "resolved": "https://registry.npmjs.org/${name}/-/${name}-${version}.tgz",\n      "integrity": "sha512-${digest}"\n    },\n`;
  };
  return `{\n  "lockfileVersion": 3,\n  "packages": {\n${repeatTo(bytes, row)}    "": {}\n  }\n}\n`;
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function timeText(random: Random): string {
  return `2026-${digits(random.between(1, 12), 2)}-${digits(random.between(1, 28), 2)} ${digits(random.integer(24), 2)}:${digits(random.integer(60), 2)}:${digits(random.integer(60), 2)}.${digits(random.integer(1_000_000), 6)}`;
}

/** About `bytes` of a web server's log. */
export function logText(random: Random, bytes: number): string {
  return repeatTo(
    bytes,
    () =>
      `${random.integer(256)}.${random.integer(256)}.${random.integer(256)}.${random.integer(256)} - - [${timeText(random)}] "${random.pick(['GET', 'GET', 'GET', 'POST'])} /${word(random)}/${word(random)}?id=${random.integer(1_000_000)} HTTP/1.1" ${random.pick([200, 200, 200, 304, 404, 500])} ${random.integer(90_000)} "-" "Mozilla/5.0 (${word(random)}; rv:${random.integer(140)}.0)"\n`,
  );
}

function uuid(random: Random): string {
  const hex = random.bytes(16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** The lines that come before the rows of `sqlRows` in a dump. */
export const SQL_HEAD =
  "SET client_encoding = 'UTF8';\n\nCREATE TABLE public.tasks (\n    id bigint NOT NULL,\n    key uuid NOT NULL,\n    owner uuid,\n    created_at timestamp without time zone,\n    title text,\n    body text,\n    attributes jsonb,\n    estimate numeric\n);\n\nCOPY public.tasks (id, key, owner, created_at, title, body, attributes, estimate) FROM stdin;\n";

/** About `bytes` of rows as `COPY … FROM stdin` has them, numbered from `firstId`. */
export function sqlRows(random: Random, bytes: number, firstId: number): string {
  let id = firstId;
  return repeatTo(bytes, () => {
    id += 1;
    const attributes = `{"status": "${random.pick(['open', 'done', 'waiting', 'blocked'])}", "priority": ${random.integer(5)}, "tags": ["${word(random)}", "${word(random)}"], "score": ${random.float().toFixed(6)}}`;
    return `${id}\t${uuid(random)}\t${uuid(random)}\t${timeText(random)}\t${words(random, random.between(3, 8))}\t${words(random, random.between(10, 50))}\t${attributes}\t${(random.float() * 1000).toFixed(2)}\n`;
  });
}
