import type { Level } from '@countersign/protocol'
import type { AgentEvent, Explanation, Outcome, Step, Tell } from '../explanation.js'

/** The steps of one call so far, for `explain` and `onEvent`. */
export interface StepLog {
  readonly note: Tell
  explanation(level: Level, outcome: Outcome, reason?: string): Explanation
}

export function startStepLog(onEvent: ((event: AgentEvent) => void) | undefined): StepLog {
  const steps: Step[] = []
  return {
    note(origin, what, detail, status) {
      const step = { what, ...(status === undefined ? {} : { status }), detail }
      steps.push(step)
      onEvent?.({ ...step, origin })
    },
    explanation: (level, outcome, reason) => ({
      level,
      steps: [...steps],
      outcome,
      ...(reason === undefined ? {} : { reason }),
    }),
  }
}
