import { numRuns } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseSignatureInput, parseSignatureInputFully } from './component/signature-input.js'
import { parseContentDigest } from './digest/content-digest.js'
import { HttpSigError } from './index.js'
import { parseSignatureValue } from './signature/signature-value.js'

function outcome(parse: (value: string) => unknown, value: string): unknown {
  try {
    return parse(value)
  } catch (error) {
    if (!(error instanceof HttpSigError)) throw error
    return `${error.status} ${error.code} ${error.message}`
  }
}

const pieces = fc.constantFrom(
  '',
  '"',
  ';',
  ',',
  '=',
  ' ',
  '  ',
  '\\',
  '(',
  ')',
  ':',
  'A',
  'a',
  '0',
  '-',
  '.',
  '\t',
  'é',
  '\0',
  '@',
  '?',
  '%',
  ';created=1',
  ';nonce="a"',
  '"@path"',
  '==',
  '+',
  '/',
)

function mutations(seeds: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(), pieces, fc.integer({ min: 0, max: 3 })), { minLength: 0, maxLength: 3 }),
    )
    .map(([seed, edits]) =>
      edits.reduce((text, [at, piece, cut]) => {
        const where = at % (text.length + 1)
        return text.slice(0, where) + piece + text.slice(where + cut)
      }, seed),
    )
}

function labelOf(value: string): string {
  return value.startsWith('a=') ? 'a' : 'sig'
}

const inputs = [
  'sig=("@method" "@authority" "@path" "signature-key");created=1750000000;nonce="abc"',
  'sig=("@method");created=1750000000;expires=1750000060;alg="ed25519";tag="x y";n=12',
  'sig=();created=1',
  'a=("x";sf);b=?1;c=1.50;d=tok;e=:AA==:;f;g=@12;h=%"x"',
]
const values = [
  `sig=:${'A'.repeat(86)}==:`,
  'sig=:QUJD:',
  'sig=:QUI=:',
  'sig=:QUJ=:',
  'sig=:QQ:',
  'sig=:AA==:;a=1',
  'sig=::',
]
const digests = [
  `sha-256=:${'A'.repeat(43)}=:`,
  `sha-256=:${'A'.repeat(42)}B=:`,
  `sha-512=:${'A'.repeat(86)}==:, x=1`,
  `sha-256=:${'A'.repeat(43)}=:, sha-256=:${'B'.repeat(42)}A=:`,
]

test('the pattern for the usual spelling of Signature-Input and the full parser agree', () => {
  const fast = (value: string) => parseSignatureInput(value, labelOf(value))
  const full = (value: string) => parseSignatureInputFully(value, labelOf(value))
  fc.assert(
    fc.property(mutations(inputs), value => {
      expect(outcome(fast, value)).toEqual(outcome(full, value))
    }),
    { numRuns },
  )
  for (const value of inputs) expect(outcome(fast, value)).toEqual(outcome(full, value))
})

test('a signature and a digest are read as the bytes that were sent, whatever stands beside them', () => {
  const bytes = (length: number): Uint8Array => new Uint8Array(length)
  for (const value of [values[0] ?? '', `x=1, ${values[0]}`, `${values[0]} , x=:AA==:`])
    expect(parseSignatureValue(value, 'sig')).toEqual({ label: 'sig', signature: bytes(64) })
  expect(parseContentDigest(digests[0] ?? '')).toEqual({ sha256: bytes(32) })
  expect(parseContentDigest(digests[2] ?? '')).toEqual({ sha512: bytes(64) })
  expect(parseContentDigest(`x=1, ${digests[0]}, sha-512=:${'A'.repeat(86)}==:`)).toEqual({
    sha256: bytes(32),
    sha512: bytes(64),
  })
  // Two digests of one name: one reader could compare the first, another the last.
  expect(() => parseContentDigest(digests[3] ?? '')).toThrow(HttpSigError)
})

test('a member is read in its strict serialisation, whatever spacing and spelling it was sent with', () => {
  const sent = '( "a"  "b"; sf );a=?1;b=?0; c=1.50;d=t/o:k;e=:AA:;g="x;\\"y=";h=%"%c3%a9"; i=-03'
  const { raw, text, label, sent: kept } = parseSignatureInput(`x=1, s=${sent} , y`, 's')
  expect(label).toBe('s')
  expect(kept).toBe(sent)
  expect(text).toBe('("a" "b";sf);a;b=?0;c=1.5;d=t/o:k;e=:AA==:;g="x;\\"y=";h=%"%c3%a9";i=-3')
  expect([...raw]).toEqual([
    ['a', '?1'],
    ['b', '?0'],
    ['c', '1.5'],
    ['d', 't/o:k'],
    ['e', ':AA==:'],
    ['g', '"x;\\"y="'],
    ['h', '%"%c3%a9"'],
    ['i', '-3'],
  ])
})

test.each(['1.0', '-2.000', '@8640000000001', '@-99999999999999'])(
  'a parameter of %s, which the parser takes for another number, is refused where it is ours alone',
  number => {
    expect(() => parseSignatureInput(`sig=("a");x=${number}`, 'sig')).toThrow(HttpSigError)
    expect(parseSignatureInput(`sig=("a");x=1.5, other=${number}`, 'sig').text).toBe('("a");x=1.5')
  },
)

test('every refusal is an HttpSigError', () => {
  const any = fc.string({ unit: 'binary', maxLength: 60 }).map(text => `sig=${text}`)
  fc.assert(
    fc.property(fc.oneof(any, mutations([...inputs, ...values, ...digests])), text => {
      for (const parse of [parseSignatureInput, parseSignatureValue, parseContentDigest])
        outcome(value => parse(value, labelOf(value)), text)
    }),
    { numRuns },
  )
})
