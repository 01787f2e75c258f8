import { effectOf } from './cause-text.js'
import type { Cause } from './causes.js'
import { caseAnchor, groundsHtml, messagesHtml, text, words } from './html.js'
import { counted, printable } from './text.js'

/** What went wrong, grouped by its cause: which cases fail by it, and the messages of the first. */
export function causesHtml(causes: readonly Cause[]): string {
  if (causes.length === 0) return ''
  const order = causes.length > 1 ? '<p class="dim">First comes what to mend first.</p>\n' : ''
  const items = causes.map(causeHtml).join('\n')
  return `<h2>What went wrong: ${counted(causes.length, 'cause')}</h2>\n${order}<ol class="causes">\n${items}\n</ol>`
}

function causeHtml(cause: Cause, at: number): string {
  const head = `<strong>${words(printable(cause.sentence))}</strong> <span class="dim">${text(effectOf(cause, at))}</span>`
  // The first is what to mend first; the others open by a click.
  const open = at === 0 ? ' open' : ''
  return `<li><details${open}><summary>${head}</summary>\n${casesHtml(cause)}\n${evidenceHtml(cause)}\n</details></li>`
}

/** Cases of a cause that are named before a reader asks for more. */
const mostNamed = 24

function casesHtml({ cases }: Cause): string {
  const links = cases.map(({ result: { id } }) => `<a href="#${caseAnchor(id)}">${text(id)}</a>`)
  const named = `<p class="ids">${links.slice(0, mostNamed).join(' ')}</p>`
  const rest = links.slice(mostNamed)
  if (rest.length === 0) return named
  return `${named}\n<details><summary>and ${rest.length} more</summary><p class="ids">${rest.join(' ')}</p></details>`
}

function evidenceHtml({ cases, before }: Cause): string {
  if (before !== undefined) {
    const head = `<p>The last request before that, of ${text(before.id)}: ${text(printable(before.title))}</p>`
    return `<div class="step">${head}${messagesHtml(before)}</div>`
  }
  const { result, fault } = cases[0]
  const detail = fault.detail === undefined ? '' : `: ${fault.detail}`
  const head = `<p>${words(result.title)} <code>${text(result.id)}</code></p>`
  return `<div class="step">${head}<p class="bad">${text(printable(`${fault.title}${detail}`))}</p>${groundsHtml(result)}${messagesHtml(fault.shown)}</div>`
}
