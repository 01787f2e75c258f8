import { describe, expect, test } from 'vitest'
import { allHeld } from './scoreboard.js'
import { shortenSecrets } from './secrets.js'

describe('all attacks have held', () => {
  const attack = {
    name: 'one',
    title: 'One',
    tries: 'It tries.',
    kind: 'message',
    onMessage: true,
    clause: 'a',
    heading: 'b',
  } as const
  const result = {
    attack: 'one',
    title: 'One',
    tries: 'It tries.',
    kind: 'message',
    rule: 'a',
    heading: 'b',
    at: 0,
    took: 1,
  } as const
  test.each([
    ['where each was made and has held', [{ ...result, verdict: 'held' as const }], true],
    ['but not where one is missing', [], false],
    ['but not where one could not be made', [{ ...result, verdict: 'not made' as const }], false],
    ['but not where one has passed', [{ ...result, verdict: 'attack passed' as const }], false],
  ])('%s', (_, results, held) => {
    expect(allHeld({ state: 'ended', attacks: [attack], results })).toBe(held)
  })
})

test.each([
  ['request_type=code&code=abcdefghij&state=abcdefghij', 'request_type=code&code=abcdef…&state=abcdefghij'],
  ['http://127.0.0.1:9/x?code=abcdefghij&iss=a', 'http://127.0.0.1:9/x?code=abcdef…&iss=a'],
  ['{"refresh_token":"abcdefghij","auth_token":"a.b.c"}', '{"refresh_token":"abcdef…","auth_token":"a.b.c"}'],
  ['{"code":-32600}', '{"code":-32600}'],
])('secrets are shortened: %s', (text, shown) => {
  expect(shortenSecrets(text)).toBe(shown)
})
