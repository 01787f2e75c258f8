import type { Requirement } from './requirement.js'

/** How many requirements of a section are built, and how many are not. */
interface Count {
  built: number
  later: number
}

const opening = '<!-- conformance: made by scripts/conformance.mjs -->'
const closing = '<!-- end of conformance -->'

/**
 * States in Markdown how much of docs/protocol.md holds: counts for each section, and everything that is not built yet.
 * @param protocol the text of docs/protocol.md, for the headings
 */
export function conformanceStatement(requirements: readonly Requirement[], protocol: string): string {
  const rows = sectionsOf(protocol).map(({ section, title, anchor }) => {
    const here = requirements.filter(r => r.section === section)
    const clauses = countOf(here.filter(r => r.clause === undefined))
    const cases = countOf(here.filter(r => r.clause !== undefined))
    const counts = [clauses.built, clauses.later, cases.built, cases.later]
    return `| [${section} ${title}](protocol.md#${anchor}) | ${counts.join(' | ')} |`
  })
  const all = [countOf(requirements.filter(r => r.clause === undefined)), countOf(requirements.filter(r => r.clause))]
  const totals = all.flatMap(({ built, later }) => [built, later])
  return [
    '| section | clauses built | clauses not built | attacks and faults withstood | not yet |',
    '|---|---|---|---|---|',
    ...rows,
    `| **all** | ${totals.map(total => `**${total}**`).join(' | ')} |`,
    '',
    'Not built yet:',
    '',
    ...requirements.filter(r => r.status === 'later').map(r => `- §${r.section} \`${r.id}\`: ${r.text}`),
  ].join('\n')
}

/**
 * A page whose conformance statement, between its two comments, is replaced.
 * @throws Error when the page has no place for it
 */
export function withConformance(page: string, statement: string): string {
  const [before, rest] = page.split(`${opening}\n`)
  const [, after] = rest?.split(`${closing}\n`) ?? []
  if (before === undefined || after === undefined) throw new Error('the page has no place for a conformance statement')
  return `${before}${opening}\n\n${statement}\n\n${closing}\n${after}`
}

function countOf(requirements: readonly Requirement[]): Count {
  const built = requirements.filter(r => r.status === 'built').length
  return { built, later: requirements.length - built }
}

function sectionsOf(protocol: string): Array<{ section: string; title: string; anchor: string }> {
  return [...protocol.matchAll(/^#{2,3} ((\d+(?:\.\d+)?)\.? (.+))$/gm)].map(
    ([, heading = '', section = '', title = '']) => ({
      section,
      title: title
        .replaceAll('**', '')
        .replace(' [c]', '')
        .replace(/ \(.*\)$/, ''),
      anchor: anchorOf(heading),
    }),
  )
}

/** The anchor that a heading gets on GitHub. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}
