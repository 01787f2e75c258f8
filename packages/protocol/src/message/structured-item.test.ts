import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { type BareItem, DisplayString, parseItem, serializeItem, Token } from 'structured-headers'
import { describe, expect, test } from 'vitest'
import { parseStructuredItem, textOf } from './structured-item.js'

// The exact parser of structured-headers, and what it can be seen to differ in from RFC 9651:
// it ends a field after a Date, and takes characters beyond Latin-1 in a Display String.
function peerReads(text: string): { value: BareItem; parameters: ReadonlyMap<string, BareItem> } | undefined {
  try {
    const [value, parameters] = parseItem(text)
    return { value, parameters }
  } catch {
    return undefined
  }
}

/** The one value that a raw text stands for, by the exact parser. */
function meaningOf(raw: string): BareItem {
  return parseItem(raw)[0]
}

function expectAgreement(text: string): void {
  const theirs = peerReads(text)
  const ours = parseStructuredItem(text)
  if (theirs === undefined || ours === undefined) {
    expect([text, ours === undefined]).toEqual([text, theirs === undefined])
    return
  }
  expect(meaningOf(ours.value)).toEqual(theirs.value)
  expect([...ours.parameters.keys()]).toEqual([...theirs.parameters.keys()])
  for (const [name, raw] of ours.parameters) {
    const value = theirs.parameters.get(name)
    expect([text, name, meaningOf(raw)]).toEqual([text, name, value])
    expect(textOf(raw)).toBe(typeof value === 'string' ? value : undefined)
  }
}

const latin1 = fc.nat(0xff).map(code => String.fromCharCode(code))
const bare: fc.Arbitrary<BareItem> = fc.oneof(
  fc.string({ unit: 'binary-ascii' }).filter(text => /^[\x20-\x7e]*$/.test(text)),
  fc.string({ unit: 'grapheme' }).map(text => new DisplayString(text)),
  fc.uint8Array().map(bytes => Uint8Array.from(bytes).buffer),
  fc.boolean(),
  fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }),
  fc.integer({ min: -999_999, max: 999_999 }).map(thousandths => thousandths / 1000),
  fc.stringMatching(/^[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]{0,8}$/).map(text => new Token(text)),
)
const parameters = fc.dictionary(fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,4}$/), bare, { maxKeys: 5 })
const written = fc
  .tuple(bare, parameters)
  .map(([value, named]) => serializeItem([value, new Map(Object.entries(named))]))

describe('agrees with structured-headers', () => {
  test(verifies('challenge.syntax', 'on what it writes, with each value as written'), () => {
    fc.assert(fc.property(written, expectAgreement), { numRuns: 500 })
  })

  test(verifies('challenge.syntax', 'CLI-18', 'on items with one character changed, left out or added'), () => {
    const change = fc.tuple(
      fc.nat(),
      fc.nat(1),
      fc.oneof(fc.constant(''), latin1, fc.constantFrom(...'";= :%?@\\*.-1a')),
    )
    const changed = fc.tuple(written, change).map(([text, [at, cut, put]]) => {
      const index = at % (text.length + 1)
      return text.slice(0, index) + put + text.slice(index + cut)
    })
    fc.assert(fc.property(changed.filter(noDate), expectAgreement), { numRuns: 2000 })
  })

  test(verifies('challenge.syntax', 'CLI-18', 'on pieces of items in any order'), () => {
    const piece = fc.constantFrom(
      ...[
        'a',
        '*',
        ';',
        ';',
        '; ',
        ' ',
        '=',
        '"',
        '\\',
        '\\"',
        '%"',
        '%c3',
        '%bc',
        '%C3',
        ':',
        'AA',
        '==',
        '=',
        '?1',
        '?0',
      ],
      ...['?', '-', '1', '123456789012', '1234', '.', '.5', '.1234', ',', '(', ')', '\t', '\n', 'é', '~', '\u0000'],
    )
    const texts = fc.array(piece, { maxLength: 12 }).map(pieces => pieces.join(''))
    fc.assert(
      fc.property(
        fc.oneof(
          texts,
          texts.map(text => `a${text}`),
        ),
        expectAgreement,
      ),
      { numRuns: 5000 },
    )
  })
})

/** Whether a text has no `@` outside of strings, so that the exact parser reads it as RFC 9651 does. */
function noDate(text: string): boolean {
  return !text.includes('@')
}

test(verifies('challenge.syntax', 'both parsers agree on Dates'), () => {
  expect(parseStructuredItem('@1;a=@-1;b')?.parameters).toEqual(
    new Map([
      ['a', '@-1'],
      ['b', '?1'],
    ]),
  )
  expectAgreement('@1659578233')
  for (const text of ['@', '@-', '@1.5', '@1234567890123456', '@a', 'a;b=@']) {
    expectAgreement(text)
    expect(parseStructuredItem(text)).toBeUndefined()
  }
})

test(verifies('challenge.syntax', 'CLI-18', 'a repeated name is reported'), () => {
  expect(parseStructuredItem('a;b;c="x;b"')).toMatchObject({ value: 'a', repeats: false })
  expect(parseStructuredItem('a;b;c="x;b";b=?0')).toMatchObject({ value: 'a', repeats: true })
})

test(verifies('CLI-18', 'the longest texts are read fast'), () => {
  const long = ['"'.padEnd(16_384, '\\"'), `a${';a'.repeat(8191)}`, `a${' '.repeat(16_383)}`, `:${'A'.repeat(16_382)}`]
  for (const text of [...long, ...long.map(each => `a;b=${each}`), ...long.map(each => `${each}\u0000`)]) {
    const begun = performance.now()
    parseStructuredItem(text)
    expect(performance.now() - begun).toBeLessThan(1000)
  }
})
