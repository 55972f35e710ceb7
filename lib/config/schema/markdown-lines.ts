// Markdown in lines that are easy to read and to compare: each sentence begins a new line, and no line is too long.

const WIDEST_LINE = 120;
/** Tables, headings and comments, which cannot be broken. */
const UNBREAKABLE = /^\s*(\||#|<!--)/;
const FENCE = /^\s*```/;
const ITEM = /^\s*(- |\d+\. )/;
/** What stays together: code, a link, a word, with the punctuation around it. */
const ATOM = /(?:`[^`]*`|\[[^\]]*\]\([^)]*\)|\S)+/g;
/** At the beginning of a line these would be a list, a quotation or a heading. */
const MARK = /^([-+*>#|]+|\d+[.)])$/;

/** `markdown` with the same words in the same blocks. Code, tables, headings and comments stay as they are. */
export function inLines(markdown: string): string {
  const lines: string[] = [];
  let block: string[] = [];
  let isCode = false;
  const endBlock = () => {
    lines.push(...broken(block));
    block = [];
  };
  for (const line of markdown.split('\n')) {
    const isFence = FENCE.test(line);
    if (isCode || isFence || line.trim() === '' || UNBREAKABLE.test(line)) {
      endBlock();
      lines.push(line);
    } else {
      if (ITEM.test(line)) endBlock();
      block.push(line);
    }
    if (isFence) isCode = !isCode;
  }
  endBlock();
  return lines.join('\n');
}

/** A paragraph or an item of a list, wrapped again. */
function broken(block: readonly string[]): string[] {
  const text = block.join(' ');
  const [lead = ''] = /^\s*(?:- |\d+\. )?/.exec(text) ?? [];
  const [first, ...words] = text.slice(lead.length).match(ATOM) ?? [];
  if (first === undefined) return [...block];
  const lines: string[] = [];
  let line = lead + first;
  let previous = first;
  for (const word of words) {
    const isFull = line.length + 1 + word.length > WIDEST_LINE && !MARK.test(word);
    if (isFull || beginsSentence(word, previous)) {
      lines.push(line);
      line = ' '.repeat(lead.length) + word;
    } else line += ` ${word}`;
    previous = word;
  }
  return [...lines, line];
}

function beginsSentence(word: string, previous: string): boolean {
  return /[.?!][)"”_]*$/.test(previous) && /^[A-Z`[*“"(_]/.test(word);
}
