// Draws what a terminal showed as an SVG, so that README can show it in light and in dark.
import { stripVTControlCharacters } from 'node:util';

const [CHARACTER_WIDTH, LINE_HEIGHT, MARGIN, BAR_HEIGHT] = [7.8, 19, 18, 34] as const;
const COLUMNS = 116;
/** What ends a style, or changes it, in the output of `npm start`. */
const CLASSES: Readonly<Record<string, string>> = { '1': 'bold', '32': 'ok', '33': 'not' };

/** An SVG of these lines, which may hold the ANSI styles that `npm start` uses. Lines that are too long are cut, with `…`. */
export function pictureOf(lines: readonly string[], title: string): string {
  const width = Math.ceil(COLUMNS * CHARACTER_WIDTH + 2 * MARGIN);
  const height = BAR_HEIGHT + lines.length * LINE_HEIGHT + MARGIN;
  const texts = lines.map((line, index) => {
    const y = BAR_HEIGHT + (index + 1) * LINE_HEIGHT;
    return `<text x="${MARGIN}" y="${y}">${spansOf(cut(line))}</text>`;
  });
  const dots = [0, 1, 2].map((index) => `<circle cx="${MARGIN + 5 + index * 18}" cy="18" r="5"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
<style>
svg { font: 13px ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; }
rect { fill: #ffffff; stroke: #d0d7de; } circle { fill: #d0d7de; }
text { fill: #1f2328; white-space: pre; } .ok { fill: #1a7f37; font-weight: bold; }
.bold { font-weight: bold; } .not { fill: #9a6700; }
@media (prefers-color-scheme: dark) {
rect { fill: #0d1117; stroke: #3d444d; } circle { fill: #3d444d; }
text { fill: #e6edf3; } .ok { fill: #3fb950; } .not { fill: #d29922; }
}
</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${dots.join('')}
<g xml:space="preserve">
${texts.join('\n')}
</g>
</svg>
`;
}

/** At most {@link COLUMNS} characters that show. */
function cut(line: string): string {
  const plain = stripVTControlCharacters(line);
  if (plain.length <= COLUMNS) return line;
  // Styles stand at the beginning of a line; what is cut off has none.
  const kept = line.length - plain.length + COLUMNS - 1;
  return `${line.slice(0, kept)}…`;
}

function spansOf(line: string): string {
  const [before = '', ...rest] = line.split(/\u001B\[(\d+)m/);
  let text = escaped(before);
  for (let index = 0; index < rest.length; index += 2) {
    const [code = '', part = ''] = [rest[index], rest[index + 1]];
    if (part === '') continue;
    const name = CLASSES[code];
    text += name === undefined ? escaped(part) : `<tspan class="${name}">${escaped(part)}</tspan>`;
  }
  return text;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
