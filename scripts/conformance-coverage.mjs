// Writes docs/conformance-coverage.md: which clauses of docs/protocol.md a case of the conformance suite is about, which none is about
// yet, and which only tests inside can check. Needs a build.
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { allCases } from '@countersign/conformance'
import { insideOnly, isNamed, requirements } from '@countersign/requirements'
import { reasonsForNone } from '../tests/dist/conformance/broken/no-peer.js'
import { broken, firstWords, musts, none } from './conformance-musts.mjs'
import { root } from './install.mjs'

const built = requirements.filter(({ status }) => status === 'built')
const clauses = built.filter(({ clause }) => clause === undefined)
const clauseOf = new Map(built.map(({ id, clause }) => [id, clause ?? id]))
const why = id => insideOnly.find(one => isNamed(id, one.clauses))?.why

/** The clauses that cases of each role are about. */
const covered = new Map()
for (const { role, id, clauses: more } of allCases())
  for (const one of [id, ...more]) {
    const clause = clauseOf.get(one)
    covered.set(clause, new Set([...(covered.get(clause) ?? []), role]))
  }

/** Clauses that a case could be about, and none is yet. */
export const uncovered = clauses.filter(({ id }) => !covered.has(id) && why(id) === undefined)

/** The page. */
export function coveragePage() {
  const inside = clauses.filter(({ id }) => !covered.has(id) && why(id) !== undefined)
  const roles = [...new Set(allCases().map(({ role }) => role))]
  const row = role => {
    const ids = allCases().filter(one => one.role === role)
    return `| ${role} | ${ids.length} | ${[...covered.values()].filter(found => found.has(role)).length} |`
  }
  return [
    '# What the conformance suite covers',
    '',
    '<!-- made by scripts/conformance-coverage.mjs -->',
    '',
    `Of ${clauses.length} clauses of [the protocol](protocol.md) that are built, ${clauses.length - inside.length - uncovered.length} are checked from outside by [the conformance suite](conformance.md), ${inside.length} can be checked inside only, and for ${uncovered.length === 0 ? 'none' : uncovered.length} a case is still to be written. Every one of them has a test inside.`,
    '',
    '| judged | cases | clauses |',
    '|---|---|---|',
    ...roles.map(row),
    '',
    '## Only inside, and why',
    '',
    ...insideOnly.flatMap(one => {
      const ids = inside.filter(({ id }) => why(id) === one.why).map(({ id }) => `\`${id}\``)
      return [`- ${one.why} ${ids.join(' ')}`]
    }),
    '',
    ...(uncovered.length === 0 ? [] : noCaseYet()),
    ...brokenPeerTable(),
  ].join('\n')
}

/** The sentences that a broken peer breaks, and the cases that see it. */
function brokenPeerTable() {
  const rows = broken.map(
    ({ role, clause, sentences, cases, file }) =>
      `| \`${clause}\` | ${firstWords(sentences[0] ?? '').replaceAll('|', '\\|')} | ${cases.map(id => `\`${id}\``).join(' ')} | ${role}: \`${file.replace(/^.*\/peer\/|\.js$/g, '')}\` |`,
  )
  const without = new Set(none.flatMap(({ sentences }) => sentences))
  return [
    '## Broken peers',
    '',
    `The suite has [reference peers](conformance.md#how-the-suite-itself-is-tested) of its own. Each row is one of them that breaks this sentence alone, the cases that fail it, and the file in which a line is changed. ${musts.length - without.size} of the ${musts.length} sentences with a word like *must* have such a row. [The others](#sentences-that-need-no-broken-peer) need none.`,
    '',
    '| clause | sentence | cases | broken peer |',
    '|---|---|---|---|',
    ...rows,
    '',
    '## Sentences that need no broken peer',
    '',
    ...Object.entries(reasonsForNone).flatMap(([why, reason]) => {
      const all = none.filter(one => one.why === why)
      return all.length === 0 ? [] : [`${reason}`, '', ...all.map(quoted), '']
    }),
  ]
}

function quoted({ clause, sentences }) {
  return `- \`${clause}\`: ${firstWords(sentences[0] ?? '')}`
}

function noCaseYet() {
  return [
    '## No case yet',
    '',
    'Each of these shows in what an implementation sends or answers. The list may only become shorter.',
    '',
    ...uncovered.map(({ id, section, text }) => `- §${section} \`${id}\`: ${text}`),
    '',
  ]
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  writeFileSync(`${root}/docs/conformance-coverage.md`, coveragePage())
