import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { requirements } from './manifest.js'
import { readPlaces, sentencesWith } from './protocol-page.js'

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
const clauses = requirements.filter(r => r.clause === undefined)

/** The clause ids beside the rules of the page, each with the section it stands in. */
function marksOf(text: string): Array<{ id: string; section: string }> {
  const marks: Array<{ id: string; section: string }> = []
  let section = ''
  for (const line of text.split('\n')) {
    section = /^#{2,3} (\d+(?:\.\d+)?)/.exec(line)?.[1] ?? section
    for (const [, id = ''] of line.matchAll(/<sub>(.*?)<\/sub>/g)) marks.push({ id, section })
  }
  return marks
}

describe('docs/protocol.md', () => {
  const marks = marksOf(page)

  test('names each clause once, beside its rule', () => {
    const ids = marks.map(({ id }) => id)
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([])
    expect(clauses.map(({ id }) => id).filter(id => !ids.includes(id))).toEqual([])
  })

  test('names each clause in its section, and no clause that does not exist', () => {
    const sections = new Map(clauses.map(({ id, section }) => [id, section]))
    expect(marks.filter(({ id, section }) => sections.get(id) !== section)).toEqual([])
  })
})

describe('the sentences of a clause', () => {
  const places = readPlaces(page)
  const at = (id: string) => {
    const place = places.get(id)
    if (place === undefined) throw new TypeError(`${id} is not on the page`)
    return place
  }

  test('are found for every clause of the page', () => {
    expect(clauses.map(({ id }) => id).filter(id => !places.has(id))).toEqual([])
  })

  test('are those of the bullet that has its mark, without emphasis, marks and targets of links', () => {
    expect(at('sig.headers.one-member').sentences).toEqual([
      '`Signature-Key` must have exactly one member, on exactly one line.',
      'The signature must cover that whole line.',
    ])
    expect(at('error.reason').sentences[1]).toBe('The list of reasons has the meaning of each, and what to change.')
  })

  test('are a row, and the rows beside it that have no mark', () => {
    const { sentences, beside } = at('sig.covered.body')
    expect(sentences).toEqual(['| `"content-type"` | when there are body bytes |'])
    expect(beside).toContain('| `"content-digest"` | exactly when there are body bytes |')
  })

  test('are the rows of a table that its caption marks, but for those with a mark of their own', () => {
    const { beside } = at('token.agent.claims')
    expect(beside).toContain('| `jti` | String | the name of the token | – |')
    expect(beside.filter(sentence => sentence.startsWith('| `sub`'))).toEqual([])
  })

  test('are found by their words, and by no words of another clause', () => {
    const place = at('sig.headers.one-member')
    expect(sentencesWith(place, 'must have **exactly one member**')).toEqual([place.sentences[0]])
    expect(sentencesWith(place, 'must have exactly one member')).toEqual([place.sentences[0]])
    expect(sentencesWith(place, 'A verifier must ignore unknown ones')).toEqual([])
  })

  test('end where another section begins', () => {
    const { beside } = at('sig.headers.status')
    expect(beside.filter(sentence => sentence.includes('names a scheme'))).toEqual([])
  })
})
