import { verifies } from '@countersign/requirements'
import { readVectors } from '@countersign/vectors'
import { expect, test } from 'vitest'
import { parseAgentInteraction, serializeAgentInteraction } from '../index.js'

test('a code is written and read as a Structured Field String', () => {
  expect(serializeAgentInteraction('aB3-_.~')).toBe('"aB3-_.~"')
  expect(parseAgentInteraction('"aB3-_.~"')).toBe('aB3-_.~')
  expect(parseAgentInteraction('"aB3";new=?1')).toBe('aB3')
})

test.each([
  ...readVectors('interaction-codes', 'refuse').map(({ input }) => input.line),
  '',
  '"a";x;x',
  ':YQ==:',
  '?1',
])('a value that is not a code is refused: %s', value => {
  expect(() => parseAgentInteraction(value)).toThrow(expect.objectContaining({ code: 'invalid_grant', status: 400 }))
})

test('a code that needs escapes is refused', () => {
  for (const code of ['', 'a"b', 'a b', 'é', 'a'.repeat(513)])
    expect(() => serializeAgentInteraction(code)).toThrow(TypeError)
})

test(verifies('interaction.code', 'a parameter is ignored, and one that comes twice is refused'), () => {
  expect(parseAgentInteraction('"code";a=1;b')).toBe('code')
  for (const value of ['"code";a=1;a=1', '"code";a;b;a'])
    expect(() => parseAgentInteraction(value)).toThrow(expect.objectContaining({ reason: 'interaction_code_invalid' }))
})
