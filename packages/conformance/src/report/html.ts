import type { CaseResult, Step, Verdict } from '../case/verdict.js'
import type { Exchange } from '../wire/message.js'
import { groundsOf } from './grounds.js'
import { printable } from './text.js'

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

/** What the protocol page says that a case stands on. */
export function groundsHtml(result: Pick<CaseResult, 'clauses' | 'words'>): string {
  const grounds = groundsOf(result)
  return grounds === undefined ? '' : `<p class="dim">${words(grounds)}</p>`
}

/** The name by which links lead to a case. */
export function caseAnchor(id: string): string {
  return text(`case-${id.replaceAll(' ', '-')}`)
}

/** The messages of a step, and what a program printed. */
export function messagesHtml({ exchange, output }: Pick<Step, 'exchange' | 'output'>): string {
  const printed = output === undefined ? '' : bytesHtml(Buffer.from(output))
  return exchange === undefined ? printed : printed + bytesHtml(exchange.sent) + receivedHtml(exchange)
}

/** More bytes than that say nothing to a reader; checks.json has all of them. */
const longest = 6000

/** Of a request that came to the suite itself, there is no answer to show. */
function receivedHtml({ received, trouble }: Exchange): string {
  if (received.length > 0) return bytesHtml(received)
  return trouble === undefined ? '' : '<p class="dim">no byte came back</p>'
}

function bytesHtml(bytes: Buffer): string {
  const more = bytes.length > longest ? `\n… ${bytes.length - longest} bytes more` : ''
  return `<pre>${text(printable(bytes.toString('latin1', 0, longest)))}${more}</pre>`
}
