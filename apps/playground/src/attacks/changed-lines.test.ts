import { describe, expect, test } from 'vitest'
import { changedLines, linesOf, shortened } from './changed-lines.js'
import type { WireRequest } from './contract.js'

const before: WireRequest = {
  method: 'POST',
  to: 'http://localhost:1',
  target: '/events?calendar=home',
  headers: [
    ['host', 'localhost:1'],
    ['content-type', 'application/json'],
  ],
  body: '{"a":1}',
}

const shown = (lines: ReturnType<typeof changedLines>): string[] =>
  lines
    .filter(({ state }) => state !== 'same')
    .map(({ name = '', pieces, state }) =>
      [state, name, ...pieces.map(({ text, mark }) => (mark ? `[${text}]` : text))].join(' '),
    )

describe('what was changed in a request', () => {
  test('an unchanged request has no marks', () => {
    expect(shown(changedLines(before, before))).toEqual([])
    expect(changedLines(before, before)).toEqual(linesOf(before))
  })

  test.each<[string, Partial<WireRequest>, string[]]>([
    ['the method', { method: 'GET' }, ['changed  [GET]   /events?calendar=home']],
    ['one byte of the query', { target: '/events?calendar=homE' }, ['changed  POST   /events?calendar=hom [E]']],
    ['one byte of the body', { body: '{"a":2}' }, ['changed  {"a": [2] }']],
    [
      'a header',
      {
        headers: [
          ['host', 'localhost:1'],
          ['content-type', 'text/json'],
        ],
      },
      ['changed content-type [text] /json'],
    ],
    ['a header that was removed', { headers: [['host', 'localhost:1']] }, ['removed content-type [application/json]']],
    ['a second line of a header', { headers: [...before.headers, ['Host', 'evil']] }, ['added host [evil]']],
    ['a body that was removed', { body: '' }, ['removed  [{"a":1}]']],
    ['a place where something was taken out', { target: '/events?calendar' }, ['changed  POST   /events?calendar [⌫]']],
  ])('%s is marked', (_, change, lines) => {
    expect(shown(changedLines(before, { ...before, ...change }))).toEqual(lines)
  })

  test('a removed line stands where it stood', () => {
    const after = { ...before, headers: [['content-type', 'application/json'] as const] }
    expect(changedLines(before, after).map(({ name = '', state }) => `${state} ${name}`.trim())).toEqual([
      'same',
      'removed host',
      'same content-type',
      'same',
    ])
  })

  test('a long piece is shortened unless it is marked', () => {
    const text = `${'a'.repeat(60)}${'b'.repeat(60)}`
    expect(shortened({ text, mark: false })).toBe(`${'a'.repeat(36)} … 48 more … ${'b'.repeat(36)}`)
    expect(shortened({ text, mark: true })).toBe(text)
    expect(shortened({ text: 'a'.repeat(96), mark: false })).toBe('a'.repeat(96))
  })
})
