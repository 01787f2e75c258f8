import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { projectJson, projectValue } from '../index.js'

const encode = (text: string) => new TextEncoder().encode(text)
const project = (text: string, ...lists: string[][]) => new TextDecoder().decode(projectJson(encode(text), lists))

function outcome(bytes: Uint8Array, ...lists: string[][]): string {
  try {
    return new TextDecoder().decode(projectJson(bytes, lists))
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    return `${error.code} ${error.reason}`
  }
}

describe('projection', () => {
  const inbox = '{"items":[{"id":1,"title":"a","body":"x"},{"id":2,"title":"b","body":"y"}],"next":null}'

  test('keeps what a pointer names, whole, and the objects and arrays on the way', () => {
    expect(project(inbox, ['/items/*/title'])).toBe('{"items":[{"title":"a"},{"title":"b"}]}')
    expect(project(inbox, ['/items/1', '/next'])).toBe('{"items":[null,{"id":2,"title":"b","body":"y"}],"next":null}')
    expect(project(inbox, [''])).toBe(inbox)
    expect(project('[[1,2],[3]]', ['/*/0'])).toBe('[[1,null],[3]]')
  })

  test('of an array, the element of an index stays; what is no index names none', () => {
    expect(project(inbox, ['/items/0/title'])).toBe('{"items":[{"title":"a"},null]}')
    expect(project(inbox, ['/items/-'])).toBe('{"items":[null,null]}')
    expect(project(inbox, ['/items/01'])).toBe('{"items":[null,null]}')
    expect(project('{"a":5}', ['/a/b'])).toBe('{}')
    expect(project('{"a":{"c":1}}', ['/a/b'])).toBe('{"a":{}}')
    expect(project('[5,{"b":1}]', ['/*/b'])).toBe('[null,{"b":1}]')
  })

  test('names are compared as they are, escapes aside', () => {
    expect(project('{"a/b":1,"a~b":2,"":3,"*":4}', ['/a~1b', '/a~0b', '/'])).toBe('{"a/b":1,"a~b":2,"":3}')
    expect(project('{"\\u0061":1,"A":2}', ['/a'])).toBe('{"\\u0061":1}')
    expect(project('{"~1":1,"/":2}', ['/~01'])).toBe('{"~1":1}')
  })

  test('keeps numbers, escapes and the order of members as they are written', () => {
    const written =
      '{"2":12345678901234567890,"1":1.10,"e":1e400,"z":-0,"s":"\\u00e9","__proto__":{"x":1},"constructor":[]}'
    const names = ['/2', '/1', '/e', '/z', '/s', '/__proto__', '/constructor']
    expect(project(written, names)).toBe(written)
    expect(project('{"__proto__":{"x":1,"y":2}}', ['/__proto__/x'])).toBe('{"__proto__":{"x":1}}')
    expect(Object.hasOwn(Object.prototype, 'x')).toBe(false)
  })

  test('space between values tells nothing, and goes where something was taken out', () => {
    expect(project(' { "a" : 1 ,\n "b" : [ 1 , 2 ] } ', ['/b'])).toBe('{"b":[ 1 , 2 ]}')
  })

  test('each list takes out more, by itself', () => {
    const value = '{"a":{"b":1,"c":2},"d":[1,2]}'
    expect(project(value, ['/a', '/d'], ['/a/b', '/d/0'])).toBe('{"a":{"b":1},"d":[1,null]}')
    expect(project(value, ['/a/b'], ['/a/c'])).toBe('{"a":{}}')
    expect(project(value, ['/a'], ['/d'])).toBe('{}')
    expect(project(value)).toBe(value)
  })

  test('withholds what is no object or array, or no JSON that reads in one way only', () => {
    const refused = 'policy_denied answer_withheld'
    const none = [
      '',
      '5',
      '"a"',
      'null',
      '{"a":1,"a":2}',
      '{"a":1,"\\u0061":2}',
      '\ufeff{}',
      '{}{}',
      '{"a":1,}',
      '[1,]',
    ]
    const more = [
      '[01]',
      '[1.]',
      '[.5]',
      '[+1]',
      '[NaN]',
      "['a']",
      '["\\x"]',
      '["a\nb"]',
      '["\\u12g4"]',
      '["a',
      '{"a"}',
      '[tru]',
    ]
    for (const text of [...none, ...more]) expect(outcome(encode(text), ['']), text).toBe(refused)
    expect(outcome(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), [''])).toBe(refused)
    expect(outcome(encode(`${'['.repeat(64)}${']'.repeat(64)}`), [''])).toBe(`${'['.repeat(64)}${']'.repeat(64)}`)
    expect(outcome(encode(`${'['.repeat(65)}${']'.repeat(65)}`), [''])).toBe(refused)
  })

  test('of a parsed value is the same, and leaves the value as it is', () => {
    const value = JSON.parse('{"a":1,"b":[{"c":1,"d":2}],"__proto__":{"e":1}}')
    expect(JSON.stringify(projectValue(value, [['/b/*/c', '/__proto__']]))).toBe('{"b":[{"c":1}],"__proto__":{"e":1}}')
    expect(value.a).toBe(1)
    expect(() => projectValue('text', [['']])).toThrow(expect.objectContaining({ reason: 'answer_withheld' }))
  })
})

test(verifies('policy.data.cost', 'a text of 1 MiB in the costliest forms takes no more than linear time'), () => {
  const mib = 1_048_576
  const forms: ReadonlyArray<readonly [text: string, pointer: string]> = [
    [`[${'1,'.repeat(mib / 2)}1]`, '/*/x'],
    [`[${'1,'.repeat(mib / 2)}1]`, '/500000'],
    [`[${'{},'.repeat(mib / 3)}{}]`, '/*/x'],
    [`[${'{"a":1},'.repeat(mib / 8)}{}]`, '/*/a'],
    [`{${Array.from({ length: 70_000 }, (_, at) => `"m${at}":${at}`).join()}}`, '/m1'],
    [`{"a":"${'\\n'.repeat(mib / 2)}","b":1}`, '/b'],
    [`[${`${'['.repeat(60)}${']'.repeat(60)},`.repeat(mib / 121)}1]`, '/*/*/*'],
    [`[${' '.repeat(mib)}1]`, '/0'],
  ]
  for (const [text, pointer] of forms) {
    const begun = performance.now()
    project(text, [pointer])
    // Quadratic, it would take minutes.
    expect(performance.now() - begun, text.slice(0, 40)).toBeLessThan(5000)
  }
}, 60_000)

describe('whatever the text and the pointers are', () => {
  // Few names, so that pointers often meet what is there.
  const segment = fc.constantFrom('a', 'b', '0', '1', '*', '__proto__', '')
  const pointer = fc.array(segment, { maxLength: 4 }).map(segments => segments.map(each => `/${each}`).join(''))
  const list = fc.array(pointer, { minLength: 1, maxLength: 4 })
  const lists = fc.array(list, { minLength: 1, maxLength: 3 })
  const { tree: value } = fc.letrec<{ tree: unknown; leaf: unknown; object: unknown }>(tie => ({
    leaf: fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string(),
      fc.constant(null),
      fc.boolean(),
    ),
    object: fc.array(fc.tuple(segment, tie('tree')), { maxLength: 4 }).map(entries => Object.fromEntries(entries)),
    tree: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('object'), fc.array(tie('tree'), { maxLength: 4 })),
  }))
  const root = value.filter(each => typeof each === 'object' && each !== null)

  const gone = Symbol('gone')

  /** One list, as the protocol says it, with no tree and no text: each pointer is tried at each place. */
  function naive(each: unknown, pointers: readonly string[], path: readonly string[] = []): unknown {
    const leads = (segments: readonly string[], length: number) =>
      segments.slice(0, length).every((one, at) => one === '*' || one === path[at])
    const split = pointers.map(one => one.split('/').slice(1))
    if (split.some(segments => segments.length <= path.length && leads(segments, segments.length))) return each
    const isOnTheWay = split.some(segments => segments.length > path.length && leads(segments, path.length))
    if (!isOnTheWay || typeof each !== 'object' || each === null) return gone
    if (Array.isArray(each))
      return each.map((one, at) => {
        const left = naive(one, pointers, [...path, String(at)])
        return left === gone ? null : left
      })
    const kept = Object.entries(each).map(([name, one]) => [name, naive(one, pointers, [...path, name])] as const)
    return Object.fromEntries(kept.filter(([, left]) => left !== gone))
  }

  test('the projection is that of a plain reading of the protocol, list by list', () => {
    fc.assert(
      fc.property(root, lists, (whole, all) => {
        const left = all.reduce<unknown>((each, pointers) => naive(each, pointers), whole)
        expect(project(JSON.stringify(whole), ...all)).toBe(JSON.stringify(left === gone ? undefined : left))
      }),
      { numRuns: 500 },
    )
  })

  test('a second projection changes nothing, and one more list takes out of what is left', () => {
    fc.assert(
      fc.property(root, lists, list, (whole, all, more) => {
        const once = project(JSON.stringify(whole), ...all)
        expect(project(once, ...all)).toBe(once)
        expect(project(once, more)).toBe(project(JSON.stringify(whole), ...all, more))
      }),
    )
  })

  test('bytes that are no JSON throw the refusal and nothing else', () => {
    const almost = root.map(each => encode(JSON.stringify(each)))
    const broken = fc
      .tuple(almost, fc.nat(), fc.nat(255))
      .map(([bytes, at, byte]) => bytes.with(at % bytes.length, byte))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), broken), lists, (bytes, all) => {
        const read = outcome(bytes, ...all)
        if (read !== 'policy_denied answer_withheld') JSON.parse(read)
      }),
      { numRuns: 1000 },
    )
  })
})
