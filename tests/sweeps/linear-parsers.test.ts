import { analyse } from 'scslre'
import { describe, expect, test } from 'vitest'
import { isLong } from '../tier.fixture.js'
import { exceptions, madePatterns, parsers, textLoops, trusted } from './linear-parsers.fixture.js'
import { readSource, type SourcePlace } from './source-patterns.fixture.js'

// Nothing that a stranger sends may cost more than its length: every regular expression, every loop over text and every parser of the
// packages is found in the source, and measured over repeated characters at its limit.

const { patterns, loops, parsers: parsing } = readSource()

/** The header block that Node takes. */
const headerBlock = 16 * 1024

/** A million steps of a regular expression, in the milliseconds that they take on the machine the budget is for. */
const reference = { steps: () => 'a'.repeat(headerBlock).replace(/[^b]{64}c/g, ''), milliseconds: 2.2 }

function millisecondsOf(run: () => unknown): number {
  const start = performance.now()
  try {
    run()
  } catch {
    // A refusal costs as well.
  }
  return performance.now() - start
}

const slowness = (): number => Math.max(1, millisecondsOf(reference.steps) / reference.milliseconds)
millisecondsOf(reference.steps)

/** Milliseconds that a parser may take at its limit. */
const budget = 2

/**
 * Milliseconds of the shortest of several runs, or of the first that keeps to the budget. The machine may be slow, or do other things
 * too: what misses the budget is held against the reference, which runs beside it.
 */
function milliseconds(run: () => unknown, most = budget): number {
  let least = Number.POSITIVE_INFINITY
  for (let times = 0; times < 50 && least > most; times++) {
    const time = millisecondsOf(run)
    least = Math.min(least, time > most ? time / slowness() : time)
  }
  return least
}

const usual = [' ', '\t', '\n', '\0', 'a', 'A', '0', '.', '/', '%', '"', '\\', '=', ';', ',', ':', '(', '-', '&', 'é']

/** Texts that make a pattern or parser repeat itself: one character again and again, and two by turns. */
function* repeated(characters: readonly string[], length: number): Generator<string> {
  for (const one of characters) {
    yield one.repeat(length)
    yield `${one.repeat(length - 1)}\u0001`
    for (const other of characters.slice(0, isLong ? 14 : 5))
      if (one !== other) yield `${one}${other}`.repeat(length / 2)
  }
}

function charactersOf({ source }: RegExp): string[] {
  const literal = [...source.replace(/\\[a-zA-Z]|\{[\d,]*\}/g, '')].filter(character => /[!-~]/.test(character))
  return [...new Set([...literal, ' ', 'a', '\n', '"', '\\'])].slice(0, 14)
}

/** Finds all that a pattern finds in a text, from wherever it may begin. */
function searchAll(pattern: RegExp, text: string): void {
  text.replace(new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '').concat('g')), '')
}

const named = ({ file, text }: { readonly file: string; readonly text: string }): string => `${file} ${text}`
const placed = ({ file, name }: SourcePlace): string => `${file} ${name}`

describe('regular expressions', () => {
  test('are all there: those put together at run time are registered', () => {
    expect(patterns.length).toBeGreaterThan(200)
    const made = patterns.filter(({ pattern }) => pattern === undefined).map(named)
    expect(made).toEqual(Object.keys(madePatterns))
    const measured = parsers.map(({ name }) => name)
    expect(Object.values(madePatterns).filter(name => !measured.includes(name))).toEqual([])
    const all = new Set(patterns.map(named))
    expect(Object.keys(exceptions).filter(key => !all.has(key))).toEqual([])
  })

  test('have no part that could be read in two ways, but for those that are registered', () => {
    const suspects = patterns.filter(({ pattern }) => {
      if (pattern === undefined) return false
      const flags = pattern.flags.replace('y', '')
      return analyse({ source: pattern.source, flags }).reports.length > 0
    })
    expect(suspects.map(named)).toEqual(suspects.map(named).filter(key => key in exceptions))
    // One that is no suspect any more is no exception.
    expect(Object.keys(exceptions).filter(key => !suspects.map(named).includes(key))).toEqual([])
  })

  test('take time in proportion to a text', { timeout: 120_000 }, () => {
    const slow: string[] = []
    for (const each of patterns) {
      const { pattern } = each
      if (pattern === undefined) continue
      const limit = exceptions[named(each)]?.limit ?? headerBlock
      const characters = charactersOf(pattern)
      for (const text of repeated(characters, Math.min(limit, 4096))) {
        // Squared, a quarter of the length takes a sixteenth: what is slow there is looked at in full.
        const start = performance.now()
        searchAll(pattern, text)
        if (performance.now() - start < budget / 8) continue
        const whole = text.repeat(Math.max(1, Math.floor(limit / text.length)))
        const time = milliseconds(() => searchAll(pattern, whole))
        if (time > budget)
          slow.push(`${named(each)} takes ${time.toFixed(1)} ms over ${JSON.stringify(whole.slice(0, 4))}`)
      }
    }
    expect(slow).toEqual([])
  })
})

test('loops that cut, search or replace text are known, each with what bounds it', () => {
  expect(new Set(loops.map(placed))).toEqual(new Set(Object.keys(textLoops)))
})

describe('parsers', () => {
  test('are known: each is measured, or reads what no stranger sends', () => {
    const known = [...parsers.map(({ name }) => name), ...Object.keys(trusted)]
    expect(parsing.map(placed).filter(name => !known.includes(name))).toEqual([])
    expect(new Set(known).size).toBe(known.length)
    const there = new Set(parsing.map(placed))
    expect(Object.keys(trusted).filter(name => !there.has(name))).toEqual([])
  })

  test.each(parsers.map(parser => [parser.name, parser] as const))('%s: 2 ms at most', (_, parser) => {
    const { limit, budget: most = budget, frames = [], texts = [], run } = parser
    const whole = [(fill: string) => fill, ...frames]
    let worst = { time: 0, text: '' }
    const measure = (text: string): void => {
      const time = milliseconds(() => run(text), most)
      if (time > worst.time) worst = { time, text: text.slice(0, 60) }
    }
    for (const fill of repeated(usual, limit)) for (const frame of whole) measure(frame(fill).slice(0, limit))
    for (const text of texts) measure(text.slice(0, limit))
    expect(worst.time, JSON.stringify(worst)).toBeLessThan(most)
  })
})
