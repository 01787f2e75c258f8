import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import { type ExchangeChange, exchanged, exchangeRequest } from './exchange.js'
import type { AuthServerStage } from './stage.js'

/** One fault of an exchange. */
export type Fault = readonly [fault: string, change: ExchangeChange, refusal?: Refusal]

/** A case of exchanges that are wrong in one thing. */
export function refusedExchanges(o: {
  readonly id: string
  readonly words?: string | readonly string[]
  readonly clauses?: readonly string[]
  readonly needs?: readonly string[]
  readonly refusal: Refusal
  readonly right?: (stage: AuthServerStage) => ExchangeChange
  readonly wrong: (stage: AuthServerStage) => readonly Fault[]
}): Case<AuthServerStage> {
  const { id, words, clauses = [], refusal, right = () => ({}) } = o
  return {
    id,
    group: 'exchange',
    needs: ['exchange', ...(o.needs ?? [])],
    ...(words === undefined ? {} : { words }),
    clauses,
    async run(trial, stage) {
      await exchanged(trial, stage, right(stage))
      for (const [fault, change, refused] of o.wrong(stage))
        await trial.refused(fault, () => exchangeRequest(stage, change), refused ?? refusal)
    },
  }
}
