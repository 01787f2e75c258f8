import { verifies } from '@countersign/requirements'
import { heldBytes } from '@countersign/testing/held-bytes'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromRequest, HttpSigError } from '../index.js'
import { gatherBytes } from '../internal.js'

test('the gathered bytes are those that were added, in any chunks', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40_000 }), { maxLength: 8 }), chunks => {
      const gathered = gatherBytes(1_000_000)
      for (const chunk of chunks) {
        const own = chunk.slice()
        expect(gathered.add(own)).toBe(true)
        // Who hands over a chunk may use its memory again.
        own.fill(0)
      }
      expect(Buffer.compare(gathered.bytes(), Buffer.concat(chunks))).toBe(0)
    }),
    { numRuns: 100 },
  )
})

test('one byte over the limit is refused', () => {
  const gathered = gatherBytes(3)
  expect([1, 2, 3].map(byte => gathered.add(Uint8Array.of(byte)))).toEqual([true, true, true])
  expect(gathered.bytes()).toEqual(Uint8Array.of(1, 2, 3))
  expect(gathered.add(Uint8Array.of(4))).toBe(false)
  expect(gatherBytes(3).add(new Uint8Array(4))).toBe(false)
  expect(gatherBytes(0).add(new Uint8Array())).toBe(true)
})

test(verifies('DIG-20', 'limits.body-memory', 'chunks of one byte take at most twice the memory of the body'), () => {
  const [size, many] = [60_000, 20]
  const before = heldBytes()
  const bodies = Array.from({ length: many }, () => {
    const gathered = gatherBytes(1_048_576)
    for (let at = 0; at < size; at++) if (!gathered.add(Uint8Array.of(at & 255))) throw new Error('refused')
    return gathered
  })
  const each = (heldBytes() - before) / many
  expect(each).toBeLessThanOrEqual(2 * size)
  expect(bodies.map(({ bytes }) => bytes().length)).toEqual(bodies.map(() => size))
})

test(verifies('DIG-20', 'limits.body-memory', 'the number of small chunks is limited'), async () => {
  const drip = (bytes: number, chunk: number): Request => {
    let left = bytes
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (left <= 0) return controller.close()
        left -= chunk
        controller.enqueue(new Uint8Array(chunk))
      },
    })
    const init: RequestInit & { readonly duplex: 'half' } = { method: 'POST', body, duplex: 'half' }
    return new Request('https://api.example/', init)
  }
  const limit = { bodyLimit: 65_536 }
  expect((await fromRequest(drip(8192, 1), limit)).body?.length).toBe(8192)
  expect((await fromRequest(drip(65_536, 16), limit)).body?.length).toBe(65_536)
  const refused = await fromRequest(drip(8193, 1), limit).catch((error: unknown) => error)
  expect(refused).toMatchObject({ status: 413, code: 'invalid_request' } satisfies Partial<HttpSigError>)
  expect(refused).toBeInstanceOf(HttpSigError)
})
