import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type BareItem,
  type InnerList,
  type Item,
  type Parameters,
  parseDictionary,
  parseItem,
  parseList,
  serializeDictionary,
  serializeItem,
  serializeList,
  Token,
} from 'structured-headers'
import { describe, expect, test } from 'vitest'
import { holdsMisreadNumber, parseSingleMember } from './component/structured-field.js'
import { HttpSigError } from './index.js'

// Vectors from outside, which this repository does not carry; COUNTERSIGN_VECTORS names the folder that holds them.
const folder = process.env['COUNTERSIGN_VECTORS'] ?? ''
const source = 'set COUNTERSIGN_VECTORS; structured-fields/ is *.json of github.com/httpwg/structured-field-tests'

interface Vector {
  readonly name: string
  readonly raw: readonly string[]
  readonly header_type: 'item' | 'list' | 'dictionary'
  readonly expected?: unknown
  readonly must_fail?: boolean
  readonly canonical?: readonly string[]
}

const files = folder === '' ? [] : readdirSync(join(folder, 'structured-fields')).filter(name => name.endsWith('.json'))
const vectors = files.flatMap(
  file => JSON.parse(readFileSync(join(folder, 'structured-fields', file), 'utf8')) as readonly Vector[],
)

function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
  const letters = (bits.match(/.{1,5}/g) ?? []).map(
    five => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(five.padEnd(5, '0'), 2)],
  )
  return letters.join('').padEnd(Math.ceil(letters.length / 8) * 8, '=')
}

// Values in the form in which the vectors write them.

function bareOf(value: BareItem): unknown {
  if (value instanceof Token) return { __type: 'token', value: value.toString() }
  if (value instanceof ArrayBuffer) return { __type: 'binary', value: base32(new Uint8Array(value)) }
  return Object.is(value, -0) ? 0 : value
}

const parametersOf = (parameters: Parameters): unknown => [...parameters].map(([key, value]) => [key, bareOf(value)])

function memberOf(member: Item | InnerList): unknown {
  const [value, parameters] = member
  return [Array.isArray(value) ? value.map(memberOf) : bareOf(value), parametersOf(parameters)]
}

/** What the parser behind this package makes of a vector, and how it writes that again; undefined when it refuses. */
function read({ raw, header_type }: Vector): { readonly value: unknown; readonly text: string } | undefined {
  const text = raw.join(', ')
  try {
    if (header_type === 'item') {
      const item = parseItem(text)
      return { value: memberOf(item), text: serializeItem(item) }
    }
    if (header_type === 'list') {
      const list = parseList(text)
      return { value: list.map(memberOf), text: serializeList(list) }
    }
    const dictionary = parseDictionary(text)
    return {
      value: [...dictionary].map(([key, member]) => [key, memberOf(member)]),
      text: serializeDictionary(dictionary),
    }
  } catch {
    return undefined
  }
}

describe.skipIf(folder === '')(`structured fields (${source})`, () => {
  test('the parser accepts and refuses the vectors as they say', () => {
    for (const vector of vectors)
      expect(read(vector)?.value, vector.name).toEqual(vector.must_fail === true ? undefined : vector.expected)
    expect(vectors.length).toBeGreaterThan(1500)
  })

  test('the parser writes the canonical form, except of whole Decimals, which are refused before', () => {
    const others: string[] = []
    for (const vector of vectors.filter(({ must_fail }) => must_fail !== true)) {
      const canonical = (vector.canonical ?? vector.raw).join(', ')
      if (read(vector)?.text === canonical) continue
      others.push(vector.name)
      // It reads 1.0 as the number 1 and writes that as an Integer: under `sf` such a field is refused.
      expect(holdsMisreadNumber(vector.raw.join(', ')), vector.name).toBe(true)
      expect(read(vector)?.text).toBe(canonical.replace(/(\d)\.0(?!\d)/g, '$1'))
    }
    expect(others.filter(name => !/^\d+ digit, [123] fractional 0 decimal$/.test(name))).toEqual([
      'single item parameterised dict',
      'list item parameterised dictionary',
      'single item parameterised list',
      'missing parameter value parameterised list',
      'missing terminal parameter value parameterised list',
    ])
    expect(others).toHaveLength(36 + 5)
  })

  test('Signature-Key accepts a Dictionary exactly when it has one member, written once', () => {
    let taken = 0
    for (const vector of vectors.filter(({ header_type }) => header_type === 'dictionary')) {
      const text = vector.raw.join(', ')
      let member: unknown
      try {
        const single = parseSingleMember(text)
        member = [[single.label, memberOf(single.member)]]
        taken++
      } catch (error) {
        expect(error).toBeInstanceOf(HttpSigError)
      }
      const { expected, must_fail, name } = vector
      // RFC 9651 lets the last of two equal keys win; two readers could then see two signatures, so we refuse.
      const repeated = name === 'duplicate key dictionary' || /,.*=/.test(text)
      const single = must_fail !== true && Array.isArray(expected) && expected.length === 1 && !repeated
      expect(member, name).toEqual(single ? expected : undefined)
    }
    expect(taken).toBeGreaterThan(100)
  })
})
