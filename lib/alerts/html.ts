// HTML in which everything that is put in is text, unless it is HTML itself. Pure.
import { UNSEEN } from './plain-text.ts';

/** A piece of HTML. Only {@link html} makes one. */
export interface Html {
  readonly html: string;
}

type Value = string | number | Html | readonly Html[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** The template with its values: text is escaped, also for attributes in quotes, and what nobody would see is left out of it. */
export function html(texts: TemplateStringsArray, ...values: readonly Value[]): Html {
  const parts = texts.map((text, index) => {
    const value = values[index];
    return value === undefined ? text : text + textOf(value);
  });
  return { html: parts.join('') };
}

function textOf(value: Value): string {
  if (typeof value === 'string') return escaped(value);
  if (typeof value === 'number') return String(value);
  return 'html' in value ? value.html : value.map((one) => one.html).join('');
}

function escaped(text: string): string {
  return text.replaceAll(UNSEEN, ' ').replaceAll(/[&<>"']/g, (char) => ESCAPES[char] ?? '');
}
