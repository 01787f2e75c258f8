import { readFileSync } from 'node:fs'
import { requirements } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import type { TokenType } from './token.js'
import { tokenWords } from './token-words.js'

const page = readFileSync(new URL('../../../../docs/protocol.md', import.meta.url), 'utf8')

/** The rows of the table of claims of one type, as `claim: checked by`. */
function rowsOf(typ: TokenType): string[] {
  const { name } = tokenWords[typ]
  const heading = `**${name[0]?.toUpperCase()}${name.slice(1)}, \`${typ}\`.**`
  const table = page.slice(page.indexOf(heading)).split('\n\n')[1] ?? ''
  return table
    .split('\n')
    .slice(2)
    .flatMap(row => {
      const [, claims = '', , , checked = ''] = row.split(/(?<!\\)\|/)
      const names = [...claims.matchAll(/`([\w.]+)`/g)].map(([, claim = '']) => claim.replace('.jwk', ''))
      return names.map(claim => `${claim}: ${checked.trim().replaceAll('`', '')}`)
    })
}

describe('tokens in words', () => {
  for (const typ of ['agent+jwt', 'resource+jwt', 'auth+jwt'] as const)
    test(`the claims of ${typ}, and who checks each, are those of the table in the protocol`, () => {
      const words = Object.entries(tokenWords[typ].claims)
      const expected = rowsOf(typ)
      expect(expected.length).toBeGreaterThan(5)
      expect(words.map(([claim, { checkedBy = '–' }]) => `${claim}: ${checkedBy}`)).toEqual(expected)
    })

  test('each clause is one of the protocol', () => {
    const ids = new Set<string>(requirements.map(({ id }) => id))
    const cited = Object.values(tokenWords).flatMap(({ claims }) => Object.values(claims).map(({ clause }) => clause))
    expect(cited.filter(clause => !ids.has(clause))).toEqual([])
  })
})
