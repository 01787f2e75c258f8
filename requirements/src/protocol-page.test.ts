import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { requirements } from './manifest.js'

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
