import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './processes.fixture.js'

const pageOf = (name: string) => readFileSync(join(root, 'docs', name), 'utf8')

/** The section of each choice marked [c] in the protocol, in order; the mark of the introduction explains the others. */
function choices(protocol: string): string[] {
  const found: string[] = []
  let section = ''
  for (const line of protocol.split('\n')) {
    section = /^#{2,3} (\d+(?:\.\d+)?)/.exec(line)?.[1] ?? section
    if (section !== '') found.push(...[...line.matchAll(/\[c\]/g)].map(() => section))
  }
  return found
}

test('every choice marked [c] in the protocol has its row, in order, with what it stops', () => {
  const [, rest = ''] = pageOf('aauth-for-oauth-people.md').split('\n## The choices made here, and what each stops\n')
  const [own = ''] = rest.split('\n## ')
  const rows = [...own.matchAll(/^\| (\d+(?:\.\d+)?) \| (.+) \| (.+) \|$/gm)]
  const inProtocol = choices(pageOf('protocol.md'))
  expect(inProtocol.length).toBeGreaterThan(20)
  expect(rows.map(([, section]) => section)).toEqual(inProtocol)
})

test('the comparison with OAuth has its nine dimensions', () => {
  const rows = [...pageOf('aauth-for-oauth-people.md').matchAll(/^\| \*\*(\d)\. .+\*\* \| .+ \| .+ \|$/gm)]
  expect(rows.map(([, number]) => number).join('')).toBe('123456789')
})
