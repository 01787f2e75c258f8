import { expect, test } from 'vitest'
import { parseAgentInteraction, serializeAgentInteraction } from '../index.js'

test('a code is written and read as a Structured Field String', () => {
  expect(serializeAgentInteraction('aB3-_.~')).toBe('"aB3-_.~"')
  expect(parseAgentInteraction('"aB3-_.~"')).toBe('aB3-_.~')
  expect(parseAgentInteraction('"aB3";new=?1')).toBe('aB3')
})

test.each(['', 'aB3', '"a', '"a", "a"', '"a";x;x', '"a b"', '""', ':YQ==:', '?1', `"${'a'.repeat(513)}"`])(
  'a value that is not a code is refused: %s',
  value => {
    expect(() => parseAgentInteraction(value)).toThrow(expect.objectContaining({ code: 'invalid_grant', status: 400 }))
  },
)

test('a code that needs escapes is refused', () => {
  for (const code of ['', 'a"b', 'a b', 'é', 'a'.repeat(513)])
    expect(() => serializeAgentInteraction(code)).toThrow(TypeError)
})
