import { agentCalls, type Call } from './agent-subjects.js'
import { type BareOperations, bareOperations } from './bare-operations.js'
import { chooseEd25519 } from './ed25519.js'
import { measuredOf, median, type Sample, type Subject, sample } from './measure.js'
import { measuredProcess } from './measured-process.js'
import { type Bench, type Result, result } from './result.js'

const operations = 512
const rounds = 9
/** Rounds before those that count: a caller is measured as it runs, compiled. */
const warmUp = 20
/** A call with a body is read as a `Request`, and its digest made. */
const budgets = { GET: 2.5, POST: 3 } as const

/** One call by the agent, by `fetch` and by `fetch` after a signature, and what a bare signature cost in the same round. */
interface Pair {
  readonly agent: Sample
  /** The agent, where libsodium signs. */
  readonly sodium: Sample
  readonly floor: Sample
  readonly plain: Sample
  readonly bare: BareOperations
}

async function onePair({ agent, plain, floor }: Call, turn: number, inFlight: number): Promise<Pair> {
  const from = turn * operations
  const options = { inFlight, operations }
  const samples = new Map<string, Sample>()
  const sodium = { ...agent, id: 'sodium' }
  for (const subject of turn % 2 === 0 ? [plain, agent, sodium, floor] : [floor, sodium, agent, plain]) {
    chooseEd25519(subject === sodium ? 'sodium' : 'node')
    samples.set(subject.id, await sample(subject, from, options))
  }
  const of = ({ id }: Subject): Sample => measuredOf(samples, id)
  return {
    agent: of(agent),
    sodium: of(sodium),
    plain: of(plain),
    floor: of(floor),
    bare: await bareOperations(inFlight),
  }
}

function rowsOf({ id, method }: Call, pairs: readonly Pair[], inFlight: number): Result[] {
  const of = (value: (pair: Pair) => number): number => median(pairs.map(value))
  const added = ({ agent, plain }: Pair): number => agent.cpu - plain.cpu
  const bySodium = ({ sodium, plain }: Pair): number => sodium.cpu - plain.cpu
  const least = ({ floor, plain }: Pair): number => floor.cpu - plain.cpu
  const beside = `fetch ${of(pair => pair.plain.cpu).toFixed(0)} µs, bare sign ${of(pair => pair.bare.sign).toFixed(0)} µs`
  const wall = of(pair => pair.agent.wall / pair.plain.wall).toFixed(2)
  return [
    result({
      id: `agent.fetch, ${id}`,
      inFlight,
      ratio: of(pair => added(pair) / pair.bare.sign),
      budget: budgets[method],
      detail: `CPU over fetch, × one bare sign; ${of(added).toFixed(0)} µs; ${beside}; wall ${wall} × fetch`,
    }),
    result({
      id: 'the same, libsodium signs',
      inFlight,
      ratio: of(pair => bySodium(pair) / pair.bare.sign),
      detail: `likewise; ${of(bySodium).toFixed(0)} µs`,
    }),
    result({
      id: 'of which one signature',
      inFlight,
      ratio: of(pair => least(pair) / pair.bare.sign),
      detail: `of bytes that are there already, before fetch; ${of(least).toFixed(0)} µs`,
    }),
  ]
}

/** A signed call to a resource that was met before, beside `fetch` with the same headers. */
export const agent: Bench = {
  name: 'agent',
  async run() {
    const resource = await measuredProcess('./agent-process.js', {})
    try {
      const calls = await agentCalls(resource.port)
      const results: Result[] = []
      for (const inFlight of [16, 1]) {
        const measured = new Map<Call, Pair[]>(calls.map(call => [call, []]))
        for (let turn = 0; turn < warmUp + rounds; turn++)
          for (const call of calls) measured.get(call)?.push(await onePair(call, turn, inFlight))
        for (const [call, pairs] of measured) results.push(...rowsOf(call, pairs.slice(warmUp), inFlight))
      }
      return results
    } finally {
      await resource.stop()
    }
  },
}
