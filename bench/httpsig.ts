import { type Cost, compare, type MeasureOptions, type Subject } from './measure.js'
import {
  botSign,
  botVerify,
  hellocoopSign,
  hellocoopVerify,
  messageSignaturesSign,
  messageSignaturesVerify,
} from './other-packages.js'
import { replaySetRows } from './replay-set.js'
import { type Bench, type Result, result } from './result.js'
import { bareSign, bareVerify, type SignedPool, signedPool, signHwk, verifyHwk } from './signed-requests.js'
import { bareTwice, type TokenPool, tokenPool, verifyTokens } from './token-requests.js'

interface Row {
  readonly subject: Subject
  /** The most CPU at 16 in flight. */
  readonly busy?: number
  /** The most wall time alone. */
  readonly alone?: number
}

/** Rows that are measured beside one another, as multiples of one baseline. */
interface Group {
  readonly what: 'verify hwk' | 'verify jwt' | 'sign'
  readonly baseline: Subject
  readonly rows: readonly Row[]
}

const measured: readonly MeasureOptions[] = [
  { inFlight: 16, operations: 1536, rounds: 13 },
  { inFlight: 1, operations: 512, rounds: 7 },
  { inFlight: 64, operations: 1536, rounds: 5 },
]

function resultOf(group: Group, { subject, busy, alone }: Row, cost: Cost, inFlight: number): Result {
  const budget = inFlight === 16 ? busy : inFlight === 1 ? alone : undefined
  const detail = `CPU ${cost.cpu.toFixed(2)}, wall ${cost.wall.toFixed(2)} × ${group.baseline.id}; ${cost.cpuMicroseconds.toFixed(0)} µs CPU here`
  const row = {
    id: `${group.what}, ${subject.id}`,
    inFlight,
    ratio: inFlight === 1 ? cost.wall : cost.cpu,
    detail,
  }
  return result(budget === undefined ? row : { ...row, budget })
}

async function measure(group: Group, options: MeasureOptions): Promise<Result[]> {
  const subjects = group.rows.map(row => row.subject)
  const costs = await compare(group.baseline, subjects, options)
  return group.rows.flatMap(row => {
    const cost = costs.find(({ id }) => id === row.subject.id)
    return cost === undefined ? [] : [resultOf(group, row, cost, options.inFlight)]
  })
}

async function verifyGroups(pool: SignedPool, tokens: TokenPool): Promise<Group[]> {
  return [
    {
      what: 'verify hwk',
      baseline: await bareVerify(pool, pool.sameKey),
      rows: [
        { subject: verifyHwk('key seen', pool.sameKey), busy: 1.1, alone: 1 },
        { subject: verifyHwk('key never seen', pool.freshKeys), busy: 1.2 },
        { subject: hellocoopVerify(pool.sameKey) },
        { subject: messageSignaturesVerify(pool) },
        { subject: await botVerify(pool) },
      ],
    },
    {
      what: 'verify jwt',
      baseline: await bareVerify(pool, tokens.sameToken),
      rows: [
        { subject: verifyTokens('token seen', tokens, tokens.sameToken), busy: 1.1, alone: 1 },
        { subject: hellocoopVerify(tokens.sameToken) },
      ],
    },
    {
      what: 'verify jwt',
      baseline: await bareTwice(pool, tokens),
      rows: [
        { subject: verifyTokens('token never seen', tokens, tokens.freshTokens), busy: 1.1 },
        { subject: verifyTokens('token and key never seen', tokens, tokens.freshHolders) },
      ],
    },
  ]
}

async function signGroup(pool: SignedPool): Promise<Group> {
  return {
    what: 'sign',
    baseline: await bareSign(pool),
    rows: [
      { subject: signHwk('request', pool), busy: 1.1 },
      { subject: hellocoopSign(pool) },
      { subject: messageSignaturesSign(pool) },
      { subject: await botSign(pool) },
    ],
  }
}

/**
 * Sign and verify against the bare WebCrypto operation and three other packages, over 512 distinct signed requests.
 * Busy rows count CPU, which a loaded machine moves little; rows of one alone count wall time.
 */
export const httpsig: Bench = {
  name: 'httpsig',
  async run() {
    const pool = await signedPool(512)
    const groups = [...(await verifyGroups(pool, await tokenPool(pool, 512))), await signGroup(pool)]
    const results: Result[] = []
    for (const options of measured) for (const group of groups) results.push(...(await measure(group, options)))
    return [...results, ...(await replaySetRows())]
  },
}
