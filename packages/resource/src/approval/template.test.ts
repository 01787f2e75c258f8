import { expect, test } from 'vitest'
import { type DescribedRequest, describeBy, display } from '../index.js'

const caller = { agent: 'https://agent.example' }

function request(o: Partial<DescribedRequest> & { readonly value?: unknown } = {}): DescribedRequest {
  const { value = {}, ...more } = o
  return { method: 'POST', path: '/', query: '', body: new Uint8Array(), json: () => value, ...more }
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
    ...['Pay ', '9007199254740991', ' ', '-1.5', ' ', '12345678901234567890', ''],
  ])
})

test('a template takes values from path, query and body, each where it stands', async () => {
  const describe = describeBy('Move {path/2} to {body/folder/name}, {query/when} {{now}}')
  const given = request({ path: '/messages/5%206', query: '?when=today', value: { folder: { name: 'bin' } } })
  expect(await describe(given, caller)).toEqual(['Move ', '5 6', ' to ', 'bin', ', ', 'today', ' {now}'])
  expect(await describeBy('Delete all')(request(), caller)).toEqual(['Delete all'])
  expect(await describeBy('{body/a~1b/0}')(request({ value: { 'a/b': [1] } }), caller)).toEqual(['', '1', ''])
})

test('a value that is missing, stands twice or cannot be shown refuses', () => {
  const cases: ReadonlyArray<readonly [string, Parameters<typeof request>[0]]> = [
    ['{path/3}', { path: '/a/b' }],
    ['{path/1}', { path: '/' }],
    ['{path/1}', { path: '/%ff' }],
    ['{query/a}', { query: '?b=1' }],
    ['{query/a}', { query: '?a=1&a=2' }],
    ['{body/a}', { value: {} }],
    ['{body/a}', { value: { a: {} } }],
    ['{body/toString}', { value: {} }],
    ['{body/a/b}', { value: { a: 'text' } }],
  ]
  for (const [template, given] of cases)
    expect(() => describeBy(template)(request(given), caller), template).toThrow(/./)
})

test('a template with another place, or a brace alone, is refused when it is made', () => {
  for (const template of ['{to}', '{}', '{path}', '{path/0}', '{query/}', '{header/x}', '{body/~2}', 'a { b', 'a } b'])
    expect(() => describeBy(template), template).toThrow(TypeError)
})
