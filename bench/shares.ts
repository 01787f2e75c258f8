import { memoryReplaySet, type ReplaySet } from '@countersign/httpsig'
import { sharedMap } from '@countersign/protocol/internal'
import { memoryCounter, memoryInteractions } from '@countersign/resource'
import { heldBytes } from '@countersign/testing/held-bytes'
import { type Bench, type Result, result } from './result.js'

const created = 1_800_000_000
const flood = 100_000

/** What a stranger with ten subdomains and one who is honest are told, in turn, by a set of its default size. */
async function replayShares(): Promise<Result[]> {
  const set = memoryReplaySet({ now: () => created })
  const counts = { evil: 0, honest: 0, asked: 0 }
  const check = (base: string, agent: string, site: string): ReturnType<ReplaySet['check']> =>
    set.check({
      authority: 'calendar.example',
      thumbprint: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
      created,
      base,
      partition: 'identified',
      principal: agent,
      site,
    })
  const start = performance.now()
  for (let i = 0; i < flood; i++) {
    if ((await check(`evil ${i}`, `https://a${i % 10}.evil.example`, 'evil.example')) === 'fresh') counts.evil++
    if (i % 100 !== 0) continue
    counts.asked++
    const site = `${i % 37}.example`
    if ((await check(`honest ${i}`, `https://agent.${site}`, site)) === 'fresh') counts.honest++
  }
  const micros = ((performance.now() - start) * 1000) / (flood + counts.asked)
  return [
    result({
      id: 'replay set, honest requests refused in a flood',
      inFlight: 1,
      ratio: 1 - counts.honest / counts.asked,
      budget: 0,
      detail: `of ${counts.asked}, beside ${flood} of ten subdomains, of which ${counts.evil} were taken; ${micros.toFixed(1)} µs a check`,
    }),
    result({
      id: 'replay set, share of one site',
      inFlight: 1,
      ratio: counts.evil / 755_556,
      budget: 0.1,
      detail: 'of the room of a partition, 755 556 entries',
    }),
  ]
}

interface Filled {
  readonly what: string
  readonly budget: number
  readonly count: number
  /** Fills it, and returns what must stay alive while bytes are counted. */
  fill(count: number): Promise<unknown>
}

const filled: readonly Filled[] = [
  {
    what: 'limits, bytes a key',
    budget: 900,
    count: 50_000,
    async fill(count) {
      const counter = memoryCounter({ capacity: count })
      const rate = { count: 60, seconds: 3600 }
      for (let i = 0; i < count; i++)
        await counter.take(JSON.stringify(['all', 'identified', 3600, `https://a${i}.example`, 'laptop']), rate)
      return counter
    },
  },
  {
    what: 'questions to users, bytes a question',
    budget: 2048,
    count: 10_000,
    async fill(count) {
      const sessions = memoryInteractions(() => created, { capacity: count })
      for (let i = 0; i < count; i++) {
        const agent = `https://agent.${i}.example`
        const pending = { kind: 'page', resource: 'https://r.example', state: `state ${i}`, url: `${agent}/x` } as const
        const whose = { agent, principal: JSON.stringify([agent, i]), asking: { agent } }
        await sessions.add({ id: `session ${i}`, ...whose, pending, expires: created + 600 })
      }
      return sessions
    },
  },
  {
    what: 'a shared map, bytes an entry beside its own',
    budget: 500,
    count: 100_000,
    async fill(count) {
      const map = sharedMap<string, number>({ maxBytes: count * 100 })
      for (let i = 0; i < count; i++) map.set(`key ${i}`, i, { bytes: 100, share: `${i % 1000}.example` })
      return map
    },
  },
]

async function weighed({ what, budget, count, fill }: Filled): Promise<Result> {
  await fill(100)
  const before = heldBytes()
  const held = await fill(count)
  const bytes = (heldBytes() - before) / count
  return result({ id: what, inFlight: 1, ratio: bytes, budget, detail: `at ${count}${held === undefined ? '!' : ''}` })
}

/** What strangers share: who gets how much of it, and what it takes. */
export const shares: Bench = {
  name: 'shares',
  async run() {
    const rows = await replayShares()
    for (const one of filled) rows.push(await weighed(one))
    return rows
  },
}
