import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from './canonical-json.js'
import type { KeptEvent } from './event.js'
import { forgottenEvent, leafOf, readRecord, recordAndLeaf, recordOf } from './leaf.js'

const salt = 'AAECAwQFBgcICQoLDA0ODw'

const event: KeptEvent = {
  v: 1,
  id: '01a2b3c4-d5e6-7000-8000-000000000001',
  type: 'granted',
  time: 1_800_000_000,
  agent: 'https://agent.example',
  personal: { user: { salt, value: 'ada' } },
  detail: { scope: ['events.read'], by: 'policy' },
}

test('the leaf of an event is the text that the README describes', () => {
  const bytes = Buffer.concat([Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]), Buffer.from('ada')])
  const commitment = hash('sha256', bytes, 'buffer').toString('base64url')
  const rest = '"time":1800000000,"type":"granted","v":1}'
  const start =
    '{"agent":"https://agent.example","detail":{"by":"policy","scope":["events.read"]},"id":"01a2b3c4-d5e6-7000-8000-000000000001",'
  const record = recordOf(event)
  expect(record).toBe(`${start}"personal":{"user":{"salt":"${salt}","value":"ada"}},${rest}`)
  expect(leafOf(record)).toBe(`${start}"personal":{"user":"${commitment}"},${rest}`)
  expect(recordOf(forgottenEvent(event))).toBe(`${start}"personal":{"user":{"sha256":"${commitment}"}},${rest}`)
})

test('an event that is forgotten has the same leaf', () => {
  expect(leafOf(recordOf(forgottenEvent(event)))).toBe(leafOf(recordOf(event)))
})

test('canonical JSON is that of RFC 8785', () => {
  // Its example of member order, and of numbers and strings.
  const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 }
  expect(canonicalJson(value)).toBe('{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}')
  expect(canonicalJson([1e30, 4.5, 2e-3, 1e-27, -0])).toBe('[1e+30,4.5,0.002,1e-27,0]')
  expect(() => canonicalJson([Number.NaN])).toThrow()
  expect(() => canonicalJson(JSON.parse(`${'['.repeat(20)}${']'.repeat(20)}`))).toThrow()
})

const personalOf = fc.dictionary(
  fc.oneof(fc.stringMatching(/^[a-z_]{1,10}$/), fc.string({ maxLength: 5 })),
  fc.oneof(fc.record({ salt: fc.constant(salt), value: fc.string() }), fc.constant({ sha256: 'A'.repeat(43) })),
  { maxKeys: 4 },
)
const detailOf = fc.dictionary(
  fc.oneof(fc.constant('personal'), fc.string({ maxLength: 5 })),
  fc.oneof(fc.string(), fc.integer(), personalOf),
  { maxKeys: 3 },
)

describe('the leaf of a record', () => {
  test('is the same with and without parsing, for any event', () => {
    fc.assert(
      fc.property(fc.option(personalOf, { nil: undefined }), detailOf, fc.string(), (personal, detail, agent) => {
        const any = { ...event, personal, detail, agent } as KeptEvent
        const record = recordOf(any)
        expect(leafOf(record)).toBe(readRecord(record).leaf)
        expect(recordAndLeaf(any)).toEqual({ record, leaf: leafOf(record) })
      }),
    )
  })

  test.each([14, 15, 16])('of an event whose detail has %i levels is that of its record, or it is none', depth => {
    const detail = JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)
    const made = (read: () => unknown): unknown => {
      try {
        return read()
      } catch {
        return 'refused'
      }
    }
    const deep = { ...event, detail } as KeptEvent
    const record = made(() => recordAndLeaf(deep).record)
    expect(record).toBe(made(() => recordOf(deep)))
    expect(record === 'refused').toBe(depth === 16)
    if (record !== 'refused') expect(readRecord(String(record)).leaf).toBe(recordAndLeaf(deep).leaf)
  })

  test('takes a member of `detail` for no personal value', () => {
    const { personal: _, ...impersonal } = event
    const record = recordOf({ ...impersonal, detail: { personal: { user: { salt, value: 'ada' } } } })
    expect(leafOf(record)).toBe(record)
  })

  test('is another one for each other text that shows something else', () => {
    const record = recordOf(event)
    const leaf = leafOf(record)
    expect(readRecord(record).leaf).toBe(leaf)
    const changes: [string, string][] = [
      ['"ada"', '"bob"'],
      ['"personal":{', '"personal":{"user":{"salt":"AAECAwQFBgcICQoLDA0ODw","value":"bob"},'],
      ['"v":1', '"v":1,"v":1'],
      ['{"agent"', '{"agent":"https://evil.example","agent"'],
      ['"value":"ada"', '"value":"eve","value":"ada"'],
      ['"type":', '"type" :'],
      // Another spelling of the same bytes, and a text that JSON does not allow.
      [salt, `${salt.slice(0, -1)}x`],
      ['"ada"', '"a\tda"'],
    ]
    const leafIn = (text: string): string => {
      try {
        return leafOf(text)
      } catch {
        return 'refused'
      }
    }
    for (const [from, to] of changes) {
      const changed = record.replace(from, to)
      expect(changed).not.toBe(record)
      expect(leafIn(changed), to).not.toBe(leaf)
    }
    expect(() => leafOf(record.replace('"ada"', '"\\ud800"'))).toThrow()
  })
})
