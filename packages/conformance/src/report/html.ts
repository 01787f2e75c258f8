import type { Verdict } from '../case/verdict.js'

/** The beginning of a self-contained page, to the open `main`. No script, and nothing is loaded. */
export function pageHead(title: string, style: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${text(title)}</title>
<style>${style}</style>
</head>
<body>
<main>`
}

/** The end of a page that began with {@link pageHead}. */
export const pageEnd = '</main>\n</body>\n</html>\n'

/** The class of a verdict. */
export function className(verdict: Verdict): string {
  return verdict.replaceAll(' ', '-')
}

/** How often each verdict came. */
export function countsHtml(counted: readonly (readonly [Verdict, number])[]): string {
  const items = counted.map(
    ([verdict, count]) => `<li><span class="verdict v-${className(verdict)}">${count}</span> ${verdict}</li>`,
  )
  return `<ul class="counts">${items.join('')}</ul>`
}

/** Text in which words between backticks are code. */
export function words(plain: string): string {
  return text(plain).replace(/`([^`]*)`/g, '<code>$1</code>')
}

/** Text, escaped for elements and attributes in double quotes. */
export function text(plain: string): string {
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
