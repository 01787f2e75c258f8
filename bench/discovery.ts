import { createDiscovery, type Discovery, type Fetcher } from '@countersign/discovery'
import { generateSigningKey } from '@countersign/httpsig'
import { compare, type Subject } from './measure.js'
import { type Bench, type Result, result } from './result.js'

const hundred = 100
const hundredThousand = 100_000

const idOf = (index: number): string => `https://agent${index}.example`

/** A web in which every host is an agent with one key, and none takes any time. */
export async function agentsOnTheWeb(): Promise<Fetcher> {
  const { publicJwk } = await generateSigningKey()
  const encoder = new TextEncoder()
  const jwks = encoder.encode(JSON.stringify({ keys: [{ ...publicJwk, kid: 'k1', use: 'sig' }] }))
  return async url => {
    const { origin, pathname } = new URL(url)
    const metadata = { issuer: origin, agent: origin, jwks_uri: `${origin}/jwks` }
    const body = pathname === '/jwks' ? jwks : encoder.encode(JSON.stringify(metadata))
    return { status: 200, contentType: 'application/json', body }
  }
}

/** A discovery that has met so many agents; its clock stands still, so that all stay fresh. */
async function met(count: number, fetcher: Fetcher): Promise<Discovery> {
  const discovery = createDiscovery({ fetcher, now: () => 1_800_000_000, maxEntries: 2 * hundredThousand })
  for (let i = 0; i < count; i += hundred)
    await Promise.all(Array.from({ length: hundred }, (_, n) => discovery.key('aauth-agent', idOf(i + n), 'k1')))
  return discovery
}

/** Lookups of a key as every request makes them, with the budget of a request, among so many agents. */
function lookups(id: string, discovery: Discovery, among: number): Subject {
  return {
    id,
    async run(index) {
      // A stride that meets all of them in no order.
      const key = await discovery.limited().key('aauth-agent', idOf((index * 7919) % among), 'k1')
      if (key === undefined) throw new Error('a key was not found')
    },
  }
}

/** What a warm lookup costs when a hundred thousand agents are known, beside a hundred. */
export const discovery: Bench = {
  name: 'discovery',
  async run(): Promise<readonly Result[]> {
    const fetcher = await agentsOnTheWeb()
    const [few, many] = [await met(hundred, fetcher), await met(hundredThousand, fetcher)]
    const subjects = [
      lookups('the same hundred among 100 000', many, hundred),
      lookups('any of 100 000', many, hundredThousand),
    ]
    const baseline = lookups('a hundred', few, hundred)
    const costs = await compare(baseline, subjects, { inFlight: 16, operations: 20_000, rounds: 9 })
    return subjects.flatMap((subject, index) => {
      const cost = costs.find(({ id }) => id === subject.id)
      if (cost === undefined) return []
      const detail = `CPU × a lookup among a hundred; ${cost.cpuMicroseconds.toFixed(1)} µs CPU here`
      const row = { id: `warm lookup, ${subject.id}`, inFlight: 16, ratio: cost.cpu, detail }
      return [result(index === 0 ? { ...row, budget: 1.3 } : row)]
    })
  },
}
