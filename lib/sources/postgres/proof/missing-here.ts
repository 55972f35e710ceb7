// What a server lacks that a dump needs, by the words in which it refuses it: that says nothing against the dump. Pure.

/** What is missing where a dump is tried out. */
export interface MissingHere {
  /** Such as `library $libdir/postgis-3`. */
  readonly what: string;
  /** What would make a restore test conclusive. */
  readonly remedy: string;
}

interface Refusal {
  /** Its first group is a name. */
  readonly words: RegExp;
  readonly what: (name: string) => string;
  readonly remedy: string;
}

const PACKAGE = 'install the package that brings it on the machine that tests';

/** The first that fits counts. The words are those of the C locale. */
const REFUSALS: readonly Refusal[] = [
  {
    words: /could not (?:access|load|open) (?:file|library) "([^"]+)"/,
    what: (name) => `the library ${name}`,
    remedy: PACKAGE,
  },
  {
    words: /could not find function "[^"]*" in file "([^"]+)"/,
    what: (name) => `the library ${name} in the version that the source’s server has`,
    remedy: PACKAGE,
  },
  {
    words: /incompatible library "([^"]+)"/,
    what: (name) => `the library ${name} for this version of PostgreSQL`,
    remedy: PACKAGE,
  },
  {
    words: /could not open (?:\w+[ -])*file "([^"]+)"/,
    what: (name) => `the file ${name}`,
    remedy: 'copy it there from the server of the source, or install the package that brings it',
  },
  {
    words:
      /(?:could not open extension control file "([^"]+)"|extension "([^"]+)" is not available)/,
    what: (name) => `the extension ${name}`,
    remedy: PACKAGE,
  },
  {
    words: /extension "([^"]+)" has no (?:installation script|update path)/,
    what: (name) => `the extension ${name} in the version that is asked for`,
    remedy: PACKAGE,
  },
  {
    words:
      /(?:could not create locale|invalid locale name:?|could not open collator for locale|could not convert locale name) "([^"]+)"|collation "(pg_catalog\.[^"]+)" (?:for encoding "[^"]+" )?does not exist/,
    what: (name) => `the locale or collation ${name}`,
    remedy:
      'install it on the machine that tests (apt-get install locales-all, or localedef), with a PostgreSQL that is built with ICU',
  },
  {
    words: /ICU is not supported in this (build)/,
    what: () => 'a PostgreSQL that is built with ICU',
    remedy: PACKAGE,
  },
  {
    words: /tablespace "([^"]+)" does not exist/,
    what: (name) => `the tablespace ${name}`,
    remedy: 'make a new backup: it records the tablespaces, which a restore test then makes',
  },
  {
    words: /([\w.-]+) (?:must|can only|needs to|has to) be (?:\w+ )*(?:loaded|preloaded)/i,
    what: (name) => `${name} in shared_preload_libraries`,
    remedy: 'a server that preloads it is needed: restore to one by hand, and compare',
  },
  {
    words: /unrecognized configuration parameter "([^"]+)"/,
    what: (name) =>
      `the setting ${name}, which a library brings or another version of PostgreSQL has`,
    remedy: PACKAGE,
  },
  {
    words: /could not connect to server "([^"]+)"/,
    what: (name) => `the foreign server ${name}`,
    remedy:
      'a restore test reaches no network: leave out what reads foreign rows while it is restored, such as a materialized view (excludeTables), or restore by hand where that server can be reached',
  },
  {
    words:
      /could not establish (connection)|(?:connection to|could not translate) (?:server|host name)/,
    what: () => 'another server, which the database connects to',
    remedy:
      'a restore test reaches no network: restore by hand where that server can be reached, and compare',
  },
  {
    words:
      /compression method (\w+) not supported|(?:unsupported|not supported) (?:LZ4|XML) feature/i,
    what: (name) => `a PostgreSQL that is built with ${name === '' ? 'XML' : name}`,
    remedy: PACKAGE,
  },
  {
    words: /time zone "([^"]+)" not recognized/,
    what: (name) => `the time zone ${name}`,
    remedy: 'update the time zones of the machine that tests (apt-get install tzdata)',
  },
];

/** What is missing, as a server that refused some SQL says it; undefined when it says something else. */
export function missingHere(message: string): MissingHere | undefined {
  for (const { words, what, remedy } of REFUSALS) {
    const match = words.exec(message);
    if (match === null) continue;
    const names: readonly (string | undefined)[] = match.slice(1);
    return { what: what(names.find((name) => name !== undefined) ?? ''), remedy };
  }
  return undefined;
}
