import { numRuns } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type HttpRequestMessage, HttpSigError, parseAcceptSignature } from './index.js'
import { latin1, verified } from './message-arbitrary.test.fixture.js'

const seeds = fc.constantFrom(
  '',
  'sig=("@method" "x-plain";bs);created=1750000000',
  'sig=:AAAA:',
  'sig=("@method")',
  'sig=("@method" "a b");keyid="x";x=?0;y=1.5;z=@1;u=%"a"',
  'sha-256=:AAAA:',
)
const bytes = fc.oneof(
  latin1,
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.tuple(seeds, fc.nat(), latin1).map(([seed, at, piece]) => {
    const where = at % (seed.length + 1)
    return seed.slice(0, where) + piece + seed.slice(where)
  }),
)
const names = ['signature-input', 'signature', 'content-digest', 'x-plain', 'dict', 'accept-signature'] as const
const everything = ['@method', 'x-plain', '"x-plain";bs', '"dict";sf', '"dict";key="a"', 'content-digest']
const input = `sig=(${everything.map(id => (id.startsWith('"') ? id : `"${id}"`)).join(' ')});created=1750000000`

async function onlyOurError(lines: ReadonlyArray<readonly [string, string]>): Promise<void> {
  const message: HttpRequestMessage = {
    method: 'GET',
    target: '/',
    scheme: 'https',
    authority: 'a.example',
    headers: lines,
    body: new Uint8Array(1),
  }
  for (const run of [
    () => verified({ message, components: [] }),
    async () => parseAcceptSignature(...lines.map(([, value]) => value)),
  ])
    try {
      await run()
    } catch (error) {
      if (!(error instanceof HttpSigError)) throw error
    }
}

const wellFormed: ReadonlyArray<readonly [string, string]> = [
  ['signature-input', input],
  ['signature', `sig=:${'A'.repeat(86)}==:`],
  ['content-digest', `sha-256=:${'A'.repeat(43)}=:`],
  ['x-plain', 'a'],
  ['dict', 'a=1'],
]

test('arbitrary bytes in any header yield only our own error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), bytes, fc.boolean(), async (name, value, added) => {
      const others = wellFormed.filter(([key]) => added || key !== name)
      await onlyOurError([...others, [name, value]])
    }),
    { numRuns },
  )
})

// A quadratic step over 200 kB would take a minute for one message; each takes milliseconds.
test('the time grows linearly with the length', async () => {
  let longest = 0
  for (const piece of [
    '"',
    '\\"',
    '"\\',
    ' ',
    '\t',
    ',',
    ';',
    ';a',
    'a=1,',
    '(',
    ')',
    '=',
    ':',
    'A',
    '%"',
    '1',
    '-',
    '\r\n ',
  ])
    for (const before of ['', 'a=', 'a="', 'a=(', 'a=1;', 'sig=:', 'x']) {
      const value = before + piece.repeat(200_000 / piece.length)
      for (const name of ['x-plain', 'dict', 'content-digest', 'signature-input', 'signature']) {
        const start = performance.now()
        await onlyOurError([...wellFormed.filter(([key]) => key !== name), [name, value]])
        longest = Math.max(longest, performance.now() - start)
      }
    }
  expect(longest).toBeLessThan(5000)
}, 240_000)
