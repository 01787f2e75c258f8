import { readFileSync } from 'node:fs'
import { requirements } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { allAttacks } from './all-attacks.js'
import { headings, rules } from './rules.js'

const protocol = readFileSync(new URL('../../../../docs/protocol.md', import.meta.url), 'utf8')

describe('every attack', () => {
  test('has a name of its own, and a rule that it tries to break', () => {
    const names = allAttacks.map(({ name }) => name)
    expect(new Set(names).size).toBe(45)
    expect(Object.keys(rules)).toEqual(names)
  })

  test('names a clause of the protocol, and the section and heading where it stands', () => {
    const wrong = Object.values(rules).filter(
      ([clause, section]) =>
        !requirements.some(known => known.id === clause && known.section === section) ||
        !protocol.includes(`](#${headings[section]})`),
    )
    expect(wrong).toEqual([])
  })
})
