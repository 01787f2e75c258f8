import { expect, test } from 'vitest'
import { hasRoomFor } from './random-text.js'

test('random bits need as many characters as printable ASCII leaves them', () => {
  expect([hasRoomFor('x'.repeat(20), 128), hasRoomFor('x'.repeat(19), 128)]).toEqual([true, false])
  expect([hasRoomFor('x'.repeat(40), 256), hasRoomFor('x'.repeat(39), 256)]).toEqual([true, false])
})
