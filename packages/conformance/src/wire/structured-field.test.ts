import { expect, test } from 'vitest'
import { parseDictionary, parseItem, Token } from './structured-field.js'

test('items are read with their parameters', () => {
  expect(parseItem('auth-token; resource_token="a\\"b"; user=?1;n=-12.5;t')).toEqual([
    new Token('auth-token'),
    new Map<string, unknown>([
      ['resource_token', 'a"b'],
      ['user', true],
      ['n', -12.5],
      ['t', true],
    ]),
  ])
  expect(parseItem(' :aGk=: ')).toEqual([Buffer.from('hi'), new Map()])
  expect(parseItem('1700000000')[0]).toBe(1_700_000_000)
  expect(parseItem('@1700000000')[0]).toBe(1_700_000_000)
  expect(parseItem('%"Z%c3%bcrich"')[0]).toBe('Zürich')
})

test('members of a dictionary are items, inner lists, or true', () => {
  const read = parseDictionary('sig=("@method" "@query";req);created=1;keyid="k", b, sig2=:aGk=:')
  expect([...read.keys()]).toEqual(['sig', 'b', 'sig2'])
  expect(read.get('sig')).toEqual([
    [
      ['@method', new Map()],
      ['@query', new Map([['req', true]])],
    ],
    new Map<string, unknown>([
      ['created', 1],
      ['keyid', 'k'],
    ]),
  ])
  expect(read.get('b')).toEqual([true, new Map()])
  expect(parseDictionary('a=()').get('a')).toEqual([[], new Map()])
  expect(parseDictionary('')).toEqual(new Map())
})

test.each([
  '',
  '"a',
  'a b',
  '"\\a"',
  '1234567890123456',
  '1.',
  '1.2345',
  'é',
  '?2',
  ':a',
  'a; B=1',
  'a;',
  '@1.5',
  '%"%C3"',
  '%"%"',
])('what is no item is refused: %j', text => {
  expect(() => parseItem(text)).toThrow(SyntaxError)
})

test.each(['A=1', 'a=1,', 'a=1 b=2', 'a=("x""y")', 'a=("x"', ',a', 'a=1,,b'])(
  'what is no dictionary is refused: %j',
  text => {
    expect(() => parseDictionary(text)).toThrow(SyntaxError)
  },
)
