import { type Cost, compare, type MeasureOptions, type Subject } from './measure.js'
import { type Bench, type Result, result } from './result.js'
import {
  bareSign,
  bareVerify,
  hellocoopSign,
  hellocoopVerify,
  signedPool,
  signHwk,
  verifyHwk,
} from './signed-requests.js'

const busy: MeasureOptions = { inFlight: 16, operations: 1536, rounds: 11 }
const alone: MeasureOptions = { inFlight: 1, operations: 768, rounds: 9 }

import { replaySetRows } from './replay-set.js'
import { bareTwice, tokenPool, verifyTokens } from './token-requests.js'

interface Row {
  readonly subject: Subject
  readonly budget?: number
}

async function rows(
  what: string,
  baseline: Subject,
  subjects: readonly Row[],
  options: MeasureOptions,
  gate: 'cpu' | 'wall',
): Promise<Result[]> {
  const costs = await compare(
    baseline,
    subjects.map(row => row.subject),
    options,
  )
  const describe = (cost: Cost): string =>
    `CPU ${cost.cpu.toFixed(2)}, wall ${cost.wall.toFixed(2)} × ${what}; ${cost.cpuMicroseconds.toFixed(0)} µs CPU here`
  return subjects.flatMap(({ subject, budget }) => {
    const cost = costs.find(({ id }) => id === subject.id)
    if (cost === undefined) return []
    const row = { id: subject.id, inFlight: options.inFlight, ratio: cost[gate], detail: describe(cost) }
    return [result(budget === undefined ? row : { ...row, budget })]
  })
}

/**
 * Sign and verify against the bare WebCrypto operation, over 512 distinct signed requests.
 * Busy rows gate on CPU, which a loaded machine moves little; the lone rows on wall time.
 */
export const httpsig: Bench = {
  name: 'httpsig',
  async run() {
    const pool = await signedPool(512)
    const verify = await bareVerify(pool, pool.sameKey)
    const sign = await bareSign(pool)
    const seen = verifyHwk('verify hwk, key seen', pool.sameKey)
    const unseen = verifyHwk('verify hwk, key never seen', pool.freshKeys)
    const tokens = await tokenPool(pool, 512)
    return [
      ...(await rows(
        'bare subtle.verify',
        verify,
        [
          { subject: seen, budget: 1.1 },
          { subject: unseen, budget: 1.2 },
          { subject: hellocoopVerify('verify hwk, @hellocoop/httpsig', pool) },
        ],
        busy,
        'cpu',
      )),
      ...(await rows(
        'bare subtle.verify',
        verify,
        [{ subject: { ...seen, id: 'verify hwk, alone' }, budget: 1 }],
        alone,
        'wall',
      )),
      ...(await rows(
        'bare subtle.verify',
        await bareVerify(pool, tokens.sameToken),
        [{ subject: verifyTokens('verify jwt, token seen', tokens, tokens.sameToken), budget: 1.1 }],
        busy,
        'cpu',
      )),
      ...(await rows(
        'two bare subtle.verify',
        await bareTwice(pool, tokens),
        [{ subject: verifyTokens('verify jwt, token never seen', tokens, tokens.freshTokens), budget: 1.1 }],
        busy,
        'cpu',
      )),
      ...(await rows(
        'bare subtle.sign',
        sign,
        [{ subject: signHwk('sign', pool), budget: 1.1 }, { subject: hellocoopSign('sign, @hellocoop/httpsig', pool) }],
        busy,
        'cpu',
      )),
      ...(await replaySetRows()),
    ]
  },
}
