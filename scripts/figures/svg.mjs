// The frame of a figure, its colours, and text in it.

/** Colours in light and dark: GitHub shows a figure as an image, which follows the reader's system. */
const style = `
:root { --back: #ffffff; --line: #c4cbd6; --ink: #1f2733; --soft: #55606f; --box: #eef2f8;
  --anonymous: #5d6670; --pseudonymous: #8a4b08; --identified: #1a56b0; --authorized: #176b35; }
@media (prefers-color-scheme: dark) {
  :root { --back: #171a21; --line: #4a5361; --ink: #e8ecf2; --soft: #b0b9c6; --box: #242a35;
    --anonymous: #b6bec9; --pseudonymous: #f0b266; --identified: #8ab8ff; --authorized: #7fd69b; }
}
text { font-family: system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; font-size: 13px; fill: var(--ink); }
.mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; font-size: 12px; }
.label { paint-order: stroke; stroke: var(--back); stroke-width: 5px; stroke-linejoin: round; }
.name { font-weight: 600; font-size: 14px; }
.soft { fill: var(--soft); }
.box { fill: var(--box); stroke: var(--line); }
.lane { stroke: var(--line); stroke-width: 1; }
.arrow { fill: none; stroke: var(--soft); stroke-width: 1.5; }
.answer { stroke-dasharray: 5 4; }
.head { fill: var(--soft); }
.anonymous { fill: var(--anonymous); } .pseudonymous { fill: var(--pseudonymous); }
.identified { fill: var(--identified); } .authorized { fill: var(--authorized); }
`.trim()

/**
 * A whole figure.
 * @param {{ width: number, height: number, title: string, about: string }} frame `about` is read to those who do not see it
 */
export function figure({ width, height, title, about }, parts) {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title about">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="about">${escaped(about)}</desc>`,
    `<style>${style}</style>`,
    '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path class="head" d="M0 1 L10 5 L0 9 z"/></marker></defs>',
    `<rect width="${width}" height="${height}" rx="8" style="fill: var(--back)"/>`,
    ...parts,
  ].join('\n')}\n</svg>\n`
}

/** One line of text. */
export function text(content, { x, y, kind = '', anchor = 'middle' }) {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}"${kind === '' ? '' : ` class="${kind}"`}>${escaped(content)}</text>`
}

/** A box with a name, and below it what it is. */
export function box({ x, y, width, height }, { name, is }) {
  return [
    `<rect class="box" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>`,
    text(is, { x: x + width / 2, y: y + height / 2 - 4, kind: 'name' }),
    text(name, { x: x + width / 2, y: y + height / 2 + 14, kind: 'mono soft' }),
  ]
}

/** A straight arrow. */
export function arrow({ x: x1, y: y1 }, { x: x2, y: y2 }, kind = '') {
  return `<path class="arrow ${kind}" d="M${x1} ${y1} L${x2} ${y2}" marker-end="url(#head)"/>`
}

/** The same text in lines of at most so many characters, broken behind a blank, comma, semicolon, colon or equals sign. */
export function wrapped(content, most) {
  const lines = []
  for (const word of content.split(/(?<=[ ,;=]|":)/)) {
    const last = lines.at(-1)
    if (last !== undefined && (last + word).trimEnd().length <= most) lines[lines.length - 1] = last + word
    else lines.push(word)
  }
  return lines.map(line => line.trim())
}

function escaped(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
