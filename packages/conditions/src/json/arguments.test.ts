import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ArgumentRule, meetsArguments } from '../index.js'

const meets = (where: readonly ArgumentRule[], body: string | Uint8Array) =>
  meetsArguments(
    [{ type: 'arguments', resource: 'https://mail.example', of: 'send', where }],
    typeof body === 'string' ? new TextEncoder().encode(body) : body,
  )

/** Which of several values of `/x` meet a rule, as written in JSON; `absent` is a body without it. */
const met = (rule: Omit<ArgumentRule, 'at'>, values: readonly string[]) =>
  values.filter(value =>
    meets([{ at: '/x', ...rule }, { at: '/y' }], value === 'absent' ? '{"y":1}' : `{"x":${value}}`),
  )

describe('leaves', () => {
  const where = [{ at: '/to', in: ['bob'] }, { at: '/subject' }, { at: '/text' }]

  test('each lies at or beneath a listed place, empty ones too', () => {
    expect(meets(where, '{"to":"bob","subject":"hi","text":{"a":[1,{}]}}')).toBe(true)
    expect(meets(where, '{"to":"bob"}')).toBe(true)
    for (const more of ['"bcc":"eve"', '"TO":"eve"', '"to ":"eve"', '"cc":[]', '"opts":{}', '"opts":{"cc":"eve"}'])
      expect(meets(where, `{"to":"bob",${more}}`), more).toBe(false)
    expect(meets(where, '{"to":"bob","__proto__":{"bcc":"eve"}}')).toBe(false)
    expect(meets(where, '{"to":"bob","__proto__":{}}')).toBe(false)
  })

  test('the way to a place is none of its leaves', () => {
    expect(meets([{ at: '/a/b' }], '{"a":{"b":1}}')).toBe(true)
    expect(meets([{ at: '/a/b' }], '{"a":{}}')).toBe(false)
    expect(meets([{ at: '/a/b' }], '{"a":1}')).toBe(false)
    expect(meets([{ at: '/a/b' }], '{}')).toBe(false)
    expect(meets([{ at: '' }], '{}')).toBe(true)
    expect(meets([{ at: '/to/*' }], '{"to":["a","b"]}')).toBe(true)
    expect(meets([{ at: '/to/0' }], '{"to":["a","b"]}')).toBe(false)
  })

  test(verifies('DEL-76', 'policy.folded', 'members that a reader without case takes for one meet nothing'), () => {
    const rules = [{ at: '/to', in: ['bob'] }, { at: '' }]
    for (const name of ['To', 'TO', 't\u200bo', '\uff54o', ' to', 'to\\u0000', '\\u0054o'])
      for (const body of [
        `{"to":"bob","${name}":"eve"}`,
        `{"${name}":"eve","to":"bob"}`,
        `{"to":"bob","x":[{"a":{"to":1,"${name}":2}}]}`,
      ])
        expect(meets(rules, body), body).toBe(false)
    for (const body of [
      '{"to":"bob","top":"eve","x":{"To":1}}',
      '{"to":"bob","x":[{"a":1},{"A":2}]}',
      '{"to":"bob","x":{"A":{"a":1}}}',
    ])
      expect(meets(rules, body), body).toBe(true)
  })

  test('a body that could be read in two ways meets nothing', () => {
    const bodies = [
      '',
      'to=bob',
      '\ufeff{"to":"bob"}',
      '{"to":"bob","to":"eve"}',
      '{"to":"bob","\\u0074o":"eve"}',
      '{"to":"bob"} x',
    ]
    for (const body of bodies) expect(meets(where, body), body).toBe(false)
    expect(
      meets(where, new Uint8Array(new Uint16Array([...'{"to":"bob"}'].map(each => each.charCodeAt(0))).buffer)),
    ).toBe(false)
    expect(meets([{ at: '' }], '['.repeat(65) + ']'.repeat(65))).toBe(false)
    expect(meets([{ at: '' }], '['.repeat(64) + ']'.repeat(64))).toBe(true)
  })
})

describe('matchers', () => {
  test('with one, the place is there and every value of it meets it; without, anything or nothing is there', () => {
    expect(met({}, ['1', 'absent', '[]'])).toEqual(['1', 'absent', '[]'])
    expect(met({ in: [1] }, ['1', 'absent'])).toEqual(['1'])
    expect(meets([{ at: '/to/*', in: ['a', 'b'] }], '{"to":["a","b","a"]}')).toBe(true)
    expect(meets([{ at: '/to/*', in: ['a', 'b'] }], '{"to":["a","c"]}')).toBe(false)
    expect(meets([{ at: '/to/*', in: ['a', 'b'] }, { at: '/to' }], '{"to":[]}')).toBe(false)
  })

  test('in compares type and value, nothing folded', () => {
    const listed = { in: [1, 'a', null, 'é'] }
    const equal = ['1', '1.0', '1e0', '10e-1', '"a"', '"\\u0061"', 'null', '"\u00e9"']
    const others = [
      '"1"',
      '"A"',
      '"e\u0301"',
      'absent',
      'true',
      '[1]',
      '{"a":1}',
      '"null"',
      '1.0000000000000000001',
      '-1',
    ]
    expect(met(listed, [...equal, ...others])).toEqual(equal)
    expect(met({ in: [0] }, ['0', '-0', '0e999999999999', '0.0', '1e-999999999999'])).toEqual([
      '0',
      '-0',
      '0e999999999999',
      '0.0',
    ])
    expect(met({ in: [true, false] }, ['true', 'false', '"true"', '1'])).toEqual(['true', 'false'])
  })

  test('max and min: numbers, by the value that is written', () => {
    const atMost = ['100', '100.0', '1e2', '99.99', '-5', '1e-400', '-9007199254740991']
    const more = [
      '100.5',
      '"100"',
      '1e400',
      '9007199254740993',
      'true',
      'null',
      '[100]',
      'absent',
      '100.00000000000000000001',
    ]
    expect(met({ max: 100 }, [...atMost, ...more, '-9007199254740992', '-1e400'])).toEqual(atMost)
    expect(met({ min: -1.5 }, ['-1.5', '-1.50', '0', '9007199254740991', '-1.51', '9007199254740992', '-2'])).toEqual([
      '-1.5',
      '-1.50',
      '0',
      '9007199254740991',
    ])
    expect(met({ max: 1e300 }, ['9007199254740991', '9007199254740992.5'])).toEqual(['9007199254740991'])
  })

  test('prefix: code points, from the first on', () => {
    const within = ['"https://bob.example/"', '"https://bob.example/x"', '"https:\\/\\/bob.example\\/x"']
    const others = ['"https://bob.example.evil/"', '" https://bob.example/x"', '"HTTPS://bob.example/x"', '5', 'absent']
    expect(met({ prefix: 'https://bob.example/' }, [...within, ...others])).toEqual(within)
  })

  test('maxLength: code points of a string, elements of an array', () => {
    const face = '\u{1f600}'
    expect(meets([{ at: '/x', maxLength: 20 }], `{"x":"${face.repeat(20)}"}`)).toBe(true)
    expect(meets([{ at: '/x', maxLength: 20 }], `{"x":"${face.repeat(21)}"}`)).toBe(false)
    expect(
      met({ maxLength: 2 }, ['"ab"', '"\\u0061b"', '[1,2]', '[]', '""', '"abc"', '[1,2,3]', '5', '{"a":1}', 'null']),
    ).toEqual(['"ab"', '"\\u0061b"', '[1,2]', '[]', '""'])
  })

  test('two conditions are met each by itself', () => {
    const condition = (at: string) => ({
      type: 'arguments' as const,
      resource: 'https://mail.example',
      of: 'send',
      where: [{ at }],
    })
    const body = new TextEncoder().encode('{"a":1}')
    expect(meetsArguments([], body)).toBe(true)
    expect(meetsArguments([condition('/a'), condition('/*')], body)).toBe(true)
    expect(meetsArguments([condition('/a'), condition('/b')], body)).toBe(false)
  })
})

describe('several rules that name one value', () => {
  const passing = (rules: ArgumentRule[], values: readonly string[]) =>
    values.filter(value => meets(rules, `{"x":[${value}]}`))

  test('are each met', () => {
    const numbers = ['1', '2', '3', '4']
    expect(
      passing(
        [
          { at: '/x/0', min: 2 },
          { at: '/x/*', max: 3 },
          { at: '/*/0', min: 1 },
        ],
        numbers,
      ),
    ).toEqual(['2', '3'])
    expect(
      passing(
        [
          { at: '/x/0', in: [1, 2, 'a'] },
          { at: '/x/*', in: [2, 'a', 3] },
        ],
        [...numbers, '"a"', '2.0'],
      ),
    ).toEqual(['2', '"a"', '2.0'])
    expect(
      passing(
        [
          { at: '/x/0', in: [1, 2] },
          { at: '/x/*', min: 2 },
        ],
        numbers,
      ),
    ).toEqual(['2'])
    const texts = ['"a"', '"ab"', '"abc"', '"b"']
    expect(
      passing(
        [
          { at: '/x/0', prefix: 'ab' },
          { at: '/x/*', prefix: 'a' },
        ],
        texts,
      ),
    ).toEqual(['"ab"', '"abc"'])
    expect(
      passing(
        [
          { at: '/x/0', prefix: 'a' },
          { at: '/x/*', prefix: 'b' },
        ],
        texts,
      ),
    ).toEqual([])
    expect(
      passing(
        [
          { at: '/x/0', maxLength: 3 },
          { at: '/x/*', maxLength: 1 },
        ],
        texts,
      ),
    ).toEqual(['"a"', '"b"'])
  })

  test('are met beneath a place that is free, and by each condition', () => {
    const rules = [{ at: '/x' }, { at: '/x/a', max: 5 }]
    expect(meets(rules, '{"x":{"a":5,"b":9}}')).toBe(true)
    expect(meets(rules, '{"x":{"a":6,"b":9}}')).toBe(false)
    // Names no value.
    expect(meets(rules, '{"x":{"b":9}}')).toBe(false)
    expect(meets(rules, '{"x":{}}')).toBe(false)
    const free = { type: 'arguments' as const, resource: 'https://mail.example', of: 'send', where: [{ at: '' }] }
    const bound = { ...free, where: rules }
    const judge = (body: string) => meetsArguments([free, bound], new TextEncoder().encode(body))
    expect([judge('{"x":{"a":5}}'), judge('{"x":{"a":6}}'), judge('{"y":1}')]).toEqual([true, false, false])
  })

  test('cost one walk of the body together', () => {
    const body = `[${Array(100_000).fill('0').join(',')}]`
    const time = (rules: ArgumentRule[]): number => {
      const begin = Date.now()
      expect(meets(rules, body)).toBe(true)
      return Date.now() - begin
    }
    const rules = Array.from({ length: 90 }, (_, i) => ({ at: '/*', min: -i }))
    time(rules)
    const least = (some: ArgumentRule[]): number => Math.min(...[1, 2, 3].map(() => time(some)))
    // A walk for each rule would take some fifty times as long.
    expect(least(rules)).toBeLessThan(15 * Math.max(least(rules.slice(0, 1)), 1))
  })
})

test('no bytes throw', () => {
  const rules: ArgumentRule[] = [{ at: '/x', max: 5 }, { at: '/y/*', in: ['a'] }, { at: '' }]
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map(text => new TextEncoder().encode(text)),
      ),
      body => {
        expect(typeof meets(rules, body)).toBe('boolean')
      },
    ),
  )
})

test('numbers are compared as any number type would where it is exact', () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 })
  fc.assert(
    fc.property(number, number, (value, limit) => {
      const body = `{"x":${String(value)}}`
      expect(meets([{ at: '/x', max: limit }], body)).toBe(value <= limit)
      expect(meets([{ at: '/x', min: limit }], body)).toBe(value >= limit)
      expect(meets([{ at: '/x', in: [limit] }], body)).toBe(value === limit)
    }),
  )
})
