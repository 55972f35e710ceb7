// The encodings that a PostgreSQL database may have, and how names in a dump, which is written in them, are read. Pure.

/** A decoder's name for each; what is not here is read as UTF-8. */
const LABELS: Readonly<Record<string, string>> = {
  LATIN2: 'iso-8859-2',
  LATIN3: 'iso-8859-3',
  LATIN4: 'iso-8859-4',
  LATIN5: 'windows-1254',
  LATIN6: 'iso-8859-10',
  LATIN7: 'iso-8859-13',
  LATIN8: 'iso-8859-14',
  LATIN9: 'iso-8859-15',
  LATIN10: 'iso-8859-16',
  ISO_8859_5: 'iso-8859-5',
  ISO_8859_6: 'iso-8859-6',
  ISO_8859_7: 'iso-8859-7',
  ISO_8859_8: 'iso-8859-8',
  WIN866: 'ibm866',
  WIN874: 'windows-874',
  WIN1250: 'windows-1250',
  WIN1251: 'windows-1251',
  WIN1252: 'windows-1252',
  WIN1253: 'windows-1253',
  WIN1254: 'windows-1254',
  WIN1255: 'windows-1255',
  WIN1256: 'windows-1256',
  WIN1257: 'windows-1257',
  WIN1258: 'windows-1258',
  KOI8R: 'koi8-r',
  KOI8U: 'koi8-u',
  EUC_JP: 'euc-jp',
  EUC_KR: 'euc-kr',
  EUC_CN: 'gbk',
};
/** Encodings that no decoder here reads: their databases are dumped in UTF-8, into which the server converts them. */
const CONVERTED: readonly string[] = ['EUC_TW', 'EUC_JIS_2004'];

/** Reads bytes of a text. */
export type Decode = (bytes: Buffer) => string;

/** The encoding in which a database is dumped: its own, so that nothing of it has to be converted, wherever it can be read here. */
export function dumpEncoding(database: string): string {
  return CONVERTED.includes(database) ? 'UTF8' : database;
}

/** How text in an encoding is read, as PostgreSQL names it. */
export function decoderOf(encoding: string): Decode {
  // PostgreSQL's LATIN1 has the control characters that a web page's has not.
  if (encoding === 'LATIN1') return (bytes) => bytes.toString('latin1');
  const label = LABELS[encoding];
  if (label === undefined) return (bytes) => bytes.toString('utf8');
  const decoder = new TextDecoder(label);
  return (bytes) => decoder.decode(bytes);
}

const ENCODING = /^SET client_encoding = '(\w+)';$/m;

/** The encoding that the beginning of a dump names, as PostgreSQL calls it. */
export function encodingIn(beginning: string): string {
  return ENCODING.exec(beginning)?.[1] ?? 'UTF8';
}
