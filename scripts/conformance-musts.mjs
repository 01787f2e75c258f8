// The sentences of docs/protocol.md that demand something which shows from outside, and the broken peers by which the suite shows
// that it sees each. `node scripts/conformance-musts.mjs`, after a build, prints those without one.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { insideOnly, isNamed, readPlaces, requirements, sentencesWith } from '@countersign/requirements'
import { brokenPeers } from '../tests/dist/conformance/broken/lists.js'
import { noPeers } from '../tests/dist/conformance/broken/no-peer.js'
import { root } from './install.mjs'

const places = readPlaces(readFileSync(`${root}/docs/protocol.md`, 'utf8'))
const built = new Set(requirements.filter(({ status }) => status === 'built').map(({ id }) => id))
const demanding = /\b(?:must|required|refused?|refuses|never)\b/i
const showsOutside = id => built.has(id) && !insideOnly.some(({ clauses }) => isNamed(id, clauses))

/** Every sentence that demands something, with its clause: the one that has its mark, or the first one beside it. */
export const musts = [...marked(), ...unmarked()]

function marked() {
  const found = new Map()
  for (const [clause, { sentences }] of places)
    for (const sentence of sentences) if (!found.has(sentence)) found.set(sentence, clause)
  return listed(found)
}

function unmarked() {
  const all = new Set([...places.values()].flatMap(({ sentences }) => sentences))
  const found = new Map()
  for (const [clause, { beside }] of places)
    for (const sentence of beside) if (!all.has(sentence) && !found.has(sentence)) found.set(sentence, clause)
  return listed(found)
}

function listed(found) {
  return [...found].flatMap(([sentence, clause]) =>
    demanding.test(sentence) && showsOutside(clause) ? [{ clause, sentence }] : [],
  )
}

/** Each broken peer, with its role and the sentences that its words stand in. */
export const broken = Object.entries(brokenPeers).flatMap(([role, all]) =>
  all.map(one => ({ role, ...one, sentences: sentencesOf(one) })),
)

/** Each place that needs no broken peer, and the sentences that its words stand in. */
export const none = noPeers.map(one => ({ ...one, sentences: sentencesOf(one) }))

function sentencesOf({ clause, words }) {
  const place = places.get(clause)
  return place === undefined ? [] : sentencesWith(place, words)
}

const seen = new Set([...broken, ...none].flatMap(({ sentences }) => sentences))

/** The first words of a sentence. */
export function firstWords(sentence, most = 100) {
  if (sentence.length <= most) return sentence
  return `${sentence.slice(0, sentence.lastIndexOf(' ', most))} …`
}

/** The sentences without a broken peer, one a line. */
export const open = musts
  .filter(({ sentence }) => !seen.has(sentence))
  .map(({ clause, sentence }) => `${clause}: ${firstWords(sentence)}`)

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const line of open) console.log(line)
  process.exitCode = open.length === 0 ? 0 : 1
}
