import type { ReceivedMessage } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { type DescribedRequest, describeBy, display } from '../index.js'
import { shownRequest } from './shown-request.js'
import { unshownOf } from './unshown.js'

const caller = { agent: 'https://agent.example' }

interface Given {
  readonly target?: string
  readonly body?: string
  readonly contentType?: string
  readonly operand?: string
  readonly unshown?: readonly string[]
  readonly openFrom?: number
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

function shown(o: Given = {}) {
  const message: ReceivedMessage = {
    method: 'POST',
    target: o.target ?? '/',
    headers: [['content-type', o.contentType ?? 'application/json']],
    body: bytesOf(o.body ?? ''),
  }
  return shownRequest(message, {
    unshown: unshownOf(o.unshown ?? []),
    isJson: (o.contentType ?? 'application/json') === 'application/json',
    operand: o.operand === undefined ? undefined : bytesOf(o.operand),
    openFrom: o.openFrom,
  })
}

const request = (o: Given & { readonly value?: unknown } = {}): DescribedRequest =>
  shown({ ...(o.value === undefined ? {} : { body: JSON.stringify(o.value) }), ...o }).described

/** What is hidden from a user who is shown a request by a text. */
const hidden = (template: string, o: Given): unknown => {
  const { described, hiddenPart } = shown(o)
  try {
    void describeBy(template)(described, caller)
    return hiddenPart()
  } catch (thrown) {
    return (thrown as Error).message
  }
}

test('a display is words and values by turns, and a value is a text, a number or a truth value', () => {
  expect(display`Send ${'Lunch'} to ${5} and ${true}`).toEqual(['Send ', 'Lunch', ' to ', '5', ' and ', 'true', ''])
  expect(display`${'a'}`).toEqual(['', 'a', ''])
  for (const value of [undefined, null, {}, ['a'], Symbol('a')])
    expect(() => display`Send ${value as never}`, String(value)).toThrow(TypeError)
})

test('a number whose last digits are lost when JSON is parsed is not shown', () => {
  for (const written of ['9007199254740993', '-9007199254740993', '12345678901234567890', '1e400'])
    expect(() => display`Pay ${JSON.parse(written)}`, written).toThrow(TypeError)
  expect(display`Pay ${JSON.parse('9007199254740991')} ${-1.5} ${12345678901234567890n}`).toEqual([
    'Pay ',
    '9007199254740991',
    ' ',
    '-1.5',
    ' ',
    '12345678901234567890',
    '',
  ])
})

test('a template takes values from path, query and body, each where it stands', async () => {
  const describe = describeBy('Move {path/2} to {body/folder/name}, {query/when} {{now}}')
  const given = request({ target: '/messages/5%206?when=today', value: { folder: { name: 'bin' } } })
  expect(await describe(given, caller)).toEqual(['Move ', '5 6', ' to ', 'bin', ', ', 'today', ' {now}'])
  expect(await describeBy('Delete all')(request(), caller)).toEqual(['Delete all'])
  expect(await describeBy('{body/a~1b/0}')(request({ value: { 'a/b': [1] } }), caller)).toEqual(['', '1', ''])
})

test('a value that is missing, stands twice or cannot be shown refuses', () => {
  const cases: ReadonlyArray<readonly [string, Parameters<typeof request>[0]]> = [
    ['{path/3}', { target: '/a/b' }],
    ['{path/1}', { target: '/' }],
    ['{path/1}', { target: '/%ff' }],
    ['{query/a}', { target: '/?b=1' }],
    ['{query/a}', { target: '/?a=1&a=2' }],
    ['{body/a}', { value: {} }],
    ['{body/a}', { value: { a: {} } }],
    ['{body/toString}', { value: {} }],
    ['{body/a/b}', { value: { a: 'text' } }],
  ]
  for (const [template, given] of cases)
    expect(() => describeBy(template)(request(given), caller), template).toThrow(
      /\{body\/a(?:\/b)?\}|its (?:path|query)|toString/,
    )
})

test('a template with another place, or a brace alone, is refused when it is made', () => {
  for (const template of ['{to}', '{}', '{path}', '{path/0}', '{query/}', '{header/x}', '{body/~2}', 'a { b', 'a } b'])
    expect(() => describeBy(template), template).toThrow(TypeError)
})

describe(verifies('APR-39', 'approval.shown', 'what a template leaves out refuses the request:'), () => {
  const pay = 'Pay {body/amount} to {body/to}'
  const tea = '{"amount":5,"to":"tea"}'

  test('members of the body', () => {
    expect(hidden(pay, { body: tea })).toBe(undefined)
    const more = [
      '"bcc":"eve"',
      '"bcc":null',
      '"bcc":[]',
      '"bcc":{}',
      '"__proto__":{"bcc":"eve"}',
      '"a":{"b":[{"c":1}]}',
      '"*":1',
    ]
    for (const member of more) expect(hidden(pay, { body: `{"amount":5,"to":"tea",${member}}` }), member).toBe('body')
    expect(hidden('Pay', { body: '5' })).toBe('body')
    expect(hidden('Pay', { body: '{}' })).toBe(undefined)
    expect(hidden('Pay', {})).toBe(undefined)
  })

  test('names that some reader takes for another', () => {
    const names = ['Amount', 'AMOUNT', 'am\u200bount', 'ａmount', ' amount', 'amount\u0000', '\\u0041mount', 'amount']
    for (const name of names)
      for (const unshown of [[], ['body']])
        expect(hidden(pay, { body: `{"amount":5,"to":"tea","${name}":5000}`, unshown }), JSON.stringify(name)).toMatch(
          /its body is not JSON that can be read in one way only/,
        )
    const twice = '{"a":5,"more":{"x":[{"to":"tea","TO":"eve"}]}}'
    expect(hidden('Pay {body/a}', { body: twice, unshown: ['body/more'] })).toMatch(/in one way only/)
    expect(hidden('Pay {body/a}', { body: twice.replace('TO', 'by'), unshown: ['body/more'] })).toBe(undefined)
  })

  test('parameters of the query', () => {
    const read = (query: string, unshown: readonly string[] = []) =>
      hidden('Pay {query/amount}', { target: `/payments${query}`, unshown })
    expect(read('?amount=5')).toBe(undefined)
    for (const more of ['&to=eve', '&_method=DELETE', '&to', '&=5', '&a[b]=1', '&%00=1']) {
      expect(read(`?amount=5${more}`), more).toBe('query')
      expect(read(`?amount=5${more}`, ['query']), more).toBe(undefined)
    }
    const other = [
      'amount=5000',
      'Amount=5000',
      'amount[]=5000',
      'amount%5B0%5D=5000',
      '%61mount=5000',
      'amount%E2%80%8B=5000',
      '%20amount=5000',
    ]
    for (const more of other)
      for (const unshown of [[], ['query']])
        for (const query of [`?amount=5&${more}`, `?${more}&amount=5`])
          expect(read(query, unshown), query).toMatch(/once and under one spelling/)
    for (const unshown of [[], ['query']]) expect(read('?Amount=5', unshown)).toMatch(/once and under one spelling/)
    expect(read('?amount=5;amount=5000')).toMatch(/has a ;/)
    expect(read('?amount=%ff')).toMatch(/not UTF-8/)
    expect(hidden('Pay', { target: '/?trace=x;amount=5', unshown: ['query/trace'] })).toMatch(/has a ;/)
    expect(hidden('Pay', { target: '/?trace=x&Trace=y', unshown: ['query/trace'] })).toBe('query')
    expect(hidden('Pay', { target: '/?trace=x', unshown: ['query/trace'] })).toBe(undefined)
  })

  test('segments of the path that the route leaves open, and those after one that is shown', () => {
    expect(hidden('Delete {path/2}', { target: '/messages/5' })).toBe(undefined)
    for (const target of ['/messages/5/attachments', '/messages/5/', '/messages/5//x'])
      expect(hidden('Delete {path/2}', { target }), target).toBe('path')
    expect(hidden('Delete {path/2}', { target: '/messages/5/now', unshown: ['path/3'] })).toBe(undefined)
    expect(hidden('Delete', { target: '/messages/5' })).toBe(undefined)
    expect(hidden('Delete', { target: '/messages/5', openFrom: 2 })).toBe('path')
    expect(hidden('Delete {path/3}', { target: '/a/b/5', openFrom: 2 })).toBe('path')
    expect(hidden('Delete {path/3} of {path/2}', { target: '/a/b/5', openFrom: 2 })).toBe(undefined)
    expect(hidden('Delete', { target: '/messages/5', openFrom: 2, unshown: ['path'] })).toBe(undefined)
  })

  test('bodies that are not JSON in one reading, unless the operator names the body', () => {
    const bodies: readonly Given[] = [
      { body: 'amount=5&to=eve', contentType: 'application/x-www-form-urlencoded' },
      { body: tea, contentType: 'text/plain' },
      { body: tea, contentType: 'application/json;charset=utf-7' },
      { body: `\ufeff${tea}` },
      { body: `${tea} x` },
      { body: '{"amount":' },
    ]
    for (const given of bodies) {
      expect(hidden('Pay', given), given.body).toMatch(/not JSON/)
      expect(hidden(pay, { ...given, unshown: ['body'] }), given.body).toMatch(/not JSON/)
      expect(hidden('Pay', { ...given, unshown: ['body'] }), given.body).toBe(undefined)
    }
    expect(hidden('Pay', { body: tea })).toBe('body')
    expect(hidden('Pay', { body: tea, unshown: ['body/amount', 'body/to'] })).toBe(undefined)
    expect(hidden('Pay', { body: '{"items":[{"a":1,"note":2}]}', unshown: ['body/items/*/note'] })).toBe('body')
    expect(
      hidden('Pay {body/items/0/a}', { body: '{"items":[{"a":1,"note":2}]}', unshown: ['body/items/*/note'] }),
    ).toBe(undefined)
  })

  test('numbers of which JavaScript keeps another one', () => {
    for (const amount of ['5', '5.0', '1.10', '1e2', '-0', '0.1', '1E+2', '9007199254740991'])
      expect(hidden(pay, { body: `{"amount":${amount},"to":"tea"}` }), amount).toBe(undefined)
    for (const amount of ['4.99999999999999999999', '0.1000000000000000055511151231257827', '1e-400'])
      expect(hidden(pay, { body: `{"amount":${amount},"to":"tea"}` }), amount).toBe('body')
  })

  test('arguments of a message that holds more than them', () => {
    expect(hidden(pay, { operand: tea, body: '{"other":1}' })).toBe(undefined)
    expect(hidden(pay, { operand: tea.replace('}', ',"bcc":1}') })).toBe('body')
    for (const unshown of [[], ['body']]) expect(hidden('Pay', { operand: '', unshown })).toBe('body')
  })
})

describe(verifies('APR-39', 'approval.shown', 'what a function reads counts as shown:'), () => {
  const json = (body: string) => {
    const { described, hiddenPart } = shown({ body })
    return { value: described.json() as never, hiddenPart }
  }

  test('members, one by one or all at once', () => {
    const by = (body: string, describe: (value: never) => unknown) => {
      const { value, hiddenPart } = json(body)
      describe(value)
      return hiddenPart()
    }
    const body = '{"to":["bob","eve"],"subject":"a","more":{"x":1}}'
    expect(by(body, JSON.stringify)).toBe(undefined)
    expect(
      by(body, ({ to, subject, more }: { to: string[]; subject: string; more: { x: number } }) => [
        to.join(),
        subject,
        more.x,
      ]),
    ).toBe(undefined)
    expect(
      by(body, ({ to, subject, more }: { to: string[]; subject: string; more: object }) => [to.join(), subject, more]),
    ).toBe('body')
    expect(
      by(body, ({ to, subject, more }: { to: string[]; subject: string; more: { x: number } }) => [
        to.length,
        to[0],
        subject,
        more.x,
      ]),
    ).toBe('body')
    expect(by('{"a":1,"b":[]}', ({ a }: { a: number }) => a)).toBe('body')
    expect(by('{"a":1,"b":[]}', ({ a, b }: { a: number; b: unknown[] }) => [a, b])).toBe(undefined)
    expect(by('{"a":1,"b":2}', Object.keys)).toBe('body')
    expect(by('{"a":1,"b":2}', value => ({ ...(value as object) }))).toBe(undefined)
    expect(by('"a"', String)).toBe(undefined)
  })

  test('and what it reads cannot be changed for the next reader', () => {
    const { value } = json('{"a":[1,2],"b":{}}')
    const { a, b } = value as { a: number[]; b: Record<string, unknown> }
    for (const change of [
      () => a.push(2),
      () => delete a[0],
      () => (b['c'] = 1),
      () => Object.defineProperty(b, 'c', {}),
      () => a.reverse(),
    ])
      expect(change).toThrow(TypeError)
    expect(Array.isArray(a) && a.map(one => one + 1)).toEqual([2, 3])
  })
})

test('a place that is none is refused when a route is made', () => {
  for (const place of ['', 'bodies', 'header/x', 'path/0', 'path/x', 'query/', 'body/~2', '/body'])
    expect(() => unshownOf([place]), place).toThrow(TypeError)
  for (const place of ['path', 'path/3', 'query', 'query/a b', 'body', 'body/a~1b', 'body/']) unshownOf([place])
})
