import { memoryReplaySet, type ReplaySet } from '@countersign/httpsig'
import { heldBytes } from '@countersign/testing/held-bytes'
import { type Result, result } from './result.js'

const created = 1_800_000_000
const million = 1_000_000
const thousand = 1000

/** Adds entries, each of a principal and a site of its own: the dearest case. */
async function fill(set: ReplaySet, from: number, count: number): Promise<void> {
  for (let i = from; i < from + count; i++) {
    const verdict = await set.check({
      authority: 'calendar.example',
      thumbprint: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
      base: `"@method": POST ${i}`,
      created,
      partition: 'pseudonymous',
      principal: `principal ${i}`,
      site: `site ${i}`,
    })
    if (verdict !== 'fresh') throw new Error('an entry was not fresh')
  }
}

async function microseconds(set: ReplaySet, from: number): Promise<number> {
  const start = performance.now()
  await fill(set, from, 20_000)
  return (performance.now() - start) / 20
}

/** Memory and time of the replay set at a million live entries. */
export async function replaySetRows(): Promise<readonly Result[]> {
  const newSet = (): ReplaySet => memoryReplaySet({ now: () => created, capacity: 2 * million })
  await fill(newSet(), 0, 50_000)
  const small = newSet()
  await fill(small, 0, thousand)
  const before = heldBytes()
  const large = newSet()
  await fill(large, 0, million)
  const bytes = (heldBytes() - before) / million
  const [few, many] = [await microseconds(small, thousand), await microseconds(large, million)]
  return [
    result({
      id: 'replay set, bytes per entry',
      inFlight: 1,
      ratio: bytes,
      budget: 100,
      detail: 'bytes at 1 M live entries, each of its own principal and site',
    }),
    result({
      id: 'replay set, time of a check',
      inFlight: 1,
      ratio: many / few,
      budget: 1.3,
      detail: 'at 1 M entries × at 1 thousand',
    }),
  ]
}
