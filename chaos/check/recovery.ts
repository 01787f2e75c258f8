import { ofType, type Record } from '../history.js'
import { faultSpans, groupBy } from './evidence.js'

/** How long a system took to work again. */
export interface Recovery {
  readonly round: number
  readonly faults: readonly string[]
  /** From the end of the last fault of the round to the moment from which every flow worked. */
  readonly milliseconds: number
  /** Flows that did not work again before the next round began. */
  readonly missing: readonly string[]
}

/** The recovery after each round of faults: from the first step of each flow after which none of it failed until the next round. */
export function recoveries(records: readonly Record[]): Recovery[] {
  const steps = ofType(records, 'step')
  const flows = [...new Set(steps.map(({ flow }) => flow))]
  const rounds = [...groupBy(faultSpans(records), ({ round }) => String(round)).values()]
  return rounds.flatMap((spans, index) => {
    const healed = Math.max(...spans.map(({ end }) => end))
    if (!Number.isFinite(healed)) return []
    const next = Math.min(...(rounds[index + 1] ?? []).map(({ begin }) => begin), Number.POSITIVE_INFINITY)
    // What began while a fault lasted tells of the fault, and not of what came after it.
    const after = steps.filter(({ begin, end }) => begin >= healed && end < next)
    const from = flows.map(flow => {
      const own = after.filter(step => step.flow === flow)
      const failed = own.findLastIndex(step => !step.works)
      return { flow, end: own.slice(failed + 1).at(0)?.end }
    })
    return {
      round: spans[0]?.round ?? 0,
      faults: spans.map(({ fault }) => fault),
      missing: from.filter(({ end }) => end === undefined).map(({ flow }) => flow),
      milliseconds: Math.max(...from.map(({ end }) => (end === undefined ? 0 : end - healed))),
    }
  })
}
