import { memoryCounter } from '@countersign/resource'
import { heldBytes } from '@countersign/testing/held-bytes'
import { type Result, result } from './result.js'

const million = 1_000_000
const thousand = 1000
const rate = { count: 60, seconds: 3600 }

type Counting = ReturnType<typeof memoryCounter>

/** Counts one request for each key: the hash of a delegate, as the guard makes it. */
async function count(counter: Counting, from: number, keys: number): Promise<void> {
  for (let i = from; i < from + keys; i++) await counter.take(`delegate ${i.toString(36).padStart(43, '_')}`, rate)
}

/** Microseconds for a request of a key that is known, spread over all of them. */
async function microseconds(counter: Counting, keys: number): Promise<number> {
  const requests = 20_000
  const start = performance.now()
  for (let i = 0; i < requests; i++) await count(counter, (i * 7919) % keys, 1)
  return ((performance.now() - start) * 1000) / requests
}

/** Memory and time of the limits at a million live keys. */
export async function counterRows(): Promise<readonly Result[]> {
  const newCounter = (): Counting => memoryCounter({ capacity: 2 * million })
  await count(newCounter(), 0, 50_000)
  const small = newCounter()
  await count(small, 0, thousand)
  const before = heldBytes()
  const large = newCounter()
  await count(large, 0, million)
  const bytes = (heldBytes() - before) / million
  const times = [await microseconds(small, thousand), await microseconds(large, million)] as const
  return [
    result({ id: 'limits, bytes per key', inFlight: 1, ratio: bytes, detail: 'bytes at 1 M live keys, in memory' }),
    result({
      id: 'limits, time of a count',
      inFlight: 1,
      ratio: times[1] / times[0],
      detail: `at 1 M keys × at 1 thousand; ${times[1].toFixed(1)} µs`,
    }),
  ]
}
