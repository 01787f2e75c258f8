import { expect, test } from 'vitest'
import { verifies } from './verifies.js'

test('the name of a test carries its ids in brackets before the title', () => {
  expect(verifies('COV-04', 'an uncovered query is refused')).toBe('[COV-04] an uncovered query is refused')
  expect(verifies('COV-04', 'sig.covered.query', 'both')).toBe('[COV-04 sig.covered.query] both')
})

test('an unknown or misspelt id is a programming error', () => {
  expect(() => verifies('COV-99', 'a title')).toThrow(TypeError)
  expect(() => verifies('cov-04', 'a title')).toThrow(TypeError)
  expect(() => verifies('COV-04', 'sig.covered.querry', 'a title')).toThrow('sig.covered.querry')
})
