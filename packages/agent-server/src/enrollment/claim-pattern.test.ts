import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { claimPattern } from './claim-pattern.js'

const letter = fc.constantFrom('a', 'b', '/', ':', '.')
const text = fc.string({ unit: letter, maxLength: 4 })

/** The same rule as a regular expression, for short values. */
function expression(parts: readonly string[], isOpen: boolean): RegExp {
  const literal = parts.map(part => part.replaceAll('.', '\\.')).join('[^/:]+')
  return new RegExp(`^${literal}${isOpen ? '.+' : ''}$`)
}

test(verifies('delegate.enrol.oidc', 'patterns match what the anchored regular expression matches'), () => {
  const parts = fc
    .tuple(
      fc.string({ unit: letter, minLength: 1, maxLength: 3 }),
      fc.array(fc.string({ unit: letter, minLength: 1, maxLength: 3 }), { maxLength: 3 }),
    )
    .map(([first, rest]) => [first, ...rest])
  // Values are made of the pattern's own literals, or hardly any would match.
  const fills = fc.array(text, { minLength: 5, maxLength: 5 })
  fc.assert(
    fc.property(parts, fc.boolean(), fills, text, (literals, isOpen, filled, end) => {
      const value = literals.map((literal, at) => literal + (filled[at] ?? '')).join('') + end
      const matches = claimPattern(`${literals.join('*')}${isOpen ? '**' : ''}`)
      expect(matches(value)).toBe(expression(literals, isOpen).test(value))
    }),
    { numRuns: 2000 },
  )
  expect(claimPattern('a*')('ab')).toBe(true)
  expect(claimPattern('a*')('a')).toBe(false)
  expect(claimPattern('a**')('a')).toBe(false)
  expect(claimPattern('a**')('a/:b')).toBe(true)
})

test(verifies('delegate.enrol.oidc', 'a long value costs linear time, and one over the limit never matches'), () => {
  const matches = claimPattern('a*a*a*a*b')
  const began = performance.now()
  for (let round = 0; round < 100; round++) expect(matches('a'.repeat(2048))).toBe(false)
  // A backtracking matcher needs about 10¹¹ steps for one of them.
  expect(performance.now() - began).toBeLessThan(2000)
  expect(matches(`${'a'.repeat(2047)}b`)).toBe(true)
  expect(matches(`${'a'.repeat(2048)}b`)).toBe(false)
})

test.each(['', '*', '**', '*a', 'a***', 'a**b', 'a*b*c*d*e*', 'a*b*c*d*e**', 'a***b'])(
  verifies('delegate.enrol.oidc', 'the pattern "%s" is refused'),
  pattern => {
    expect(() => claimPattern(pattern)).toThrow(TypeError)
    expect(claimPattern('a*b*c*d**')('a1b1c1d/')).toBe(true)
  },
)
