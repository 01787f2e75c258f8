import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import type { ReceivedMessage } from '../index.js'
import { checkTarget } from '../internal.js'
import { get, refused, send, verdict, withLine } from '../signed-message.test.fixture.js'

const bad = expect.objectContaining({ status: 400, code: 'invalid_request' })
const message = (target: string, change: Partial<ReceivedMessage> = {}): ReceivedMessage => ({
  method: 'GET',
  target,
  headers: [],
  ...change,
})

test('ordinary paths are accepted', () => {
  for (const target of [
    '/',
    '/a',
    '/a/b?c=d',
    '/a?',
    '/a?x=../y&z=//',
    '/.well-known/x',
    '/a..b',
    '/...',
    '/a/.b',
    '/%20',
    '/a%2fb',
    "/~!$&'()*+,;=:@",
    '/a?b[]={}|^`"<>',
    '/%00',
    '/a/b/',
  ])
    expect(() => checkTarget(message(target)), target).not.toThrow()
})

test(
  verifies(
    'COV-24',
    'COV-34',
    'COV-35',
    'sig.target.form',
    'another form, dot segments, fragments and strange bytes answer 400',
  ),
  () => {
    for (const target of [
      'http://calendar.example/events',
      'https://calendar.example/',
      'calendar.example:443',
      '*',
      '',
      'events',
      '//evil.example/x',
      '//',
      '/./a',
      '/a/..',
      '/a/../b',
      '/..',
      '/.',
      '/a/.',
      '/%2e/a',
      '/%2E%2e/b',
      '/.%2e',
      '/a/%2e%2E?x',
      '/a/%2e.',
      '/a\\b',
      '\\a',
      '/a#b',
      '/#',
      '/a b',
      '/a\tb',
      '/a\0',
      '/a\r\n',
      '/\x7f',
      '/é',
      '/\u00a0',
      '/a?é',
      '/a?x#y',
    ])
      expect(() => checkTarget(message(target)), target).toThrow(bad)
  },
)

test(verifies('sig.target.escapes', 'bad escapes and OPTIONS * answer 400'), () => {
  for (const target of ['/%', '/%1', '/%zz', '/a%2', '/a?b=%', '/a?%g1'])
    expect(() => checkTarget(message(target)), target).toThrow(bad)
  expect(() => checkTarget(message('*', { method: 'OPTIONS' }))).toThrow(bad)
  expect(() => checkTarget(message('/%41?%7e', { method: 'OPTIONS' }))).not.toThrow()
})

test('a method must be a token', () => {
  for (const method of ['', 'GE T', 'GET\n', 'É']) expect(() => checkTarget(message('/', { method }))).toThrow(bad)
})

test(verifies('COV-24', 'two Host lines answer 400'), async () => {
  expect(await verdict(send(get))).toBe('accepted')
  expect(await verdict(withLine(send(get), 'host', 'calendar.example'))).toBe('400 invalid_request')
})

test(verifies('COV-28', 'COV-30', 'COV-32', 'sig.target.raw', 'the target is verified without decoding'), async () => {
  const query = (target: string) => ({
    ...get,
    target,
    components: [...get.components, ...(target.includes('?') ? ['"@query"'] : [])],
  })
  for (const [signed, sent] of [
    ['/a%2fb', '/a%2Fb'],
    ['/a/b', '/a/%62'],
    ['/a+b', '/a%20b'],
    ['/p', '/p/'],
    ['/p?a=1&b=2', '/p?b=2&a=1'],
    ['/p?a=b+c', '/p?a=b%20c'],
    ['/p?a=1', '/p?a=1&a=2'],
    ['/p?a=1&b=2', '/p?a=1;b=2'],
    ['/p?a=1&b=2', '/p?a=1%26b=2'],
    ['/p?', '/p?a'],
  ] as const) {
    const original = send(query(signed))
    expect(await verdict(original), signed).toBe('accepted')
    expect(await verdict({ ...original, target: sent }), sent).toBe(refused)
  }
})
