import { numRuns } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseSignatureInput, parseSignatureInputFully } from './component/signature-input.js'
import { parseContentDigest, parseContentDigestFully } from './digest/content-digest.js'
import { HttpSigError } from './index.js'
import { parseSignatureValue, parseSignatureValueFully } from './signature/signature-value.js'

// The patterns for canonical spellings against the full parsers behind them.

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

test.each([
  {
    what: 'Signature-Input',
    fast: (value: string) => parseSignatureInput(value, labelOf(value)),
    full: (value: string) => parseSignatureInputFully(value, labelOf(value)),
    seeds: [
      'sig=("@method" "@authority" "@path" "signature-key");created=1750000000;nonce="abc"',
      'sig=("@method");created=1750000000;expires=1750000060;alg="ed25519";tag="x y";n=12',
      'sig=();created=1',
      'a=("x";sf);b=?1;c=1.50;d=tok;e=:AA==:;f;g=@12;h=%"x"',
    ],
  },
  {
    what: 'Signature',
    fast: (value: string) => parseSignatureValue(value, labelOf(value)),
    full: (value: string) => parseSignatureValueFully(value, labelOf(value)),
    seeds: [
      `sig=:${'A'.repeat(86)}==:`,
      'sig=:QUJD:',
      'sig=:QUI=:',
      'sig=:QUJ=:',
      'sig=:QQ:',
      'sig=:AA==:;a=1',
      'sig=::',
    ],
  },
  {
    what: 'Content-Digest',
    fast: parseContentDigest,
    full: parseContentDigestFully,
    seeds: [
      `sha-256=:${'A'.repeat(43)}=:`,
      `sha-256=:${'A'.repeat(42)}B=:`,
      `sha-512=:${'A'.repeat(86)}==:, x=1`,
      `sha-256=:${'A'.repeat(43)}=:, sha-256=:${'B'.repeat(42)}A=:`,
    ],
  },
])('$what: fast and full reading agree', ({ fast, full, seeds }) => {
  fc.assert(
    fc.property(mutations(seeds), value => {
      expect(outcome(fast, value)).toEqual(outcome(full, value))
    }),
    { numRuns },
  )
  for (const seed of seeds) expect(outcome(fast, seed)).toEqual(outcome(full, seed))
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
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), text => {
      for (const parse of [parseSignatureInput, parseSignatureValue, parseContentDigest])
        outcome(value => parse(value, 'sig'), `sig=${text}`)
    }),
    { numRuns },
  )
})
