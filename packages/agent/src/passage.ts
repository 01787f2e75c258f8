import type { Level } from '@countersign/protocol'
import type { AgentEvent, Explanation, Outcome, Step, StepKind } from './explanation.js'

/** What one call of `agent.fetch` has done so far, for `explain` and `onEvent`. */
export interface Passage {
  note(origin: string, what: StepKind, detail: string, status?: number): void
  explanation(level: Level, outcome: Outcome, reason?: string): Explanation
}

export function passage(onEvent: ((event: AgentEvent) => void) | undefined): Passage {
  const steps: Step[] = []
  return {
    note(origin, what, detail, status) {
      const step = { what, ...(status === undefined ? {} : { status }), detail }
      steps.push(step)
      onEvent?.({ ...step, origin })
    },
    explanation: (level, outcome, reason) => ({ level, steps, outcome, ...(reason === undefined ? {} : { reason }) }),
  }
}
