import { setTimeout as sleep } from 'node:timers/promises'
import type { ShownMessage } from '../explorer/contract.js'
import type { BesideColumn, BesideCounts, BesideOutcome, BesideStep, SecretAtRest, SetUpStep } from './contract.js'
import type { Stage } from './stage.js'
import type { Worlds } from './worlds.js'

/** What a column came to: its outcome, and what stands in files by then. */
export interface Played {
  readonly outcome: BesideOutcome
  readonly secrets: readonly SecretAtRest[]
  readonly setUp: readonly SetUpStep[]
}

export interface ColumnPlan {
  readonly world: BesideColumn['world']
  readonly title: string
  readonly play: (stage: Stage, worlds: Worlds) => Promise<Played>
}

/** What {@link playColumn} needs. */
export interface ColumnContext {
  readonly worlds: Worlds
  /** Calls `listener` with every message until the returned function is called. */
  readonly listen: (listener: (message: ShownMessage) => void) => () => void
  readonly onStep: (what: string) => void
}

/** Plays one column. */
export async function playColumn(plan: ColumnPlan, { worlds, listen, onStep }: ColumnContext): Promise<BesideColumn> {
  // bound: one call
  const steps: BesideStep[] = []
  const stage: Stage = {
    async step(actor, what, work) {
      onStep(what)
      // bound: one call
      const messages: ShownMessage[] = []
      const stop = listen(message => messages.push(message))
      try {
        return await work(messages)
      } finally {
        await quiet(messages)
        stop()
        steps.push({ actor, what, messages: [...messages].sort((one, other) => one.at - other.at) })
      }
    },
    last: () => steps.at(-1)?.messages ?? [],
    all: () => steps.flatMap(({ messages }) => messages),
  }
  const { outcome, secrets, setUp } = await plan.play(stage, worlds)
  const { world, title } = plan
  return { world, title, steps, outcome, secrets, setUp, counts: countsOf({ steps, secrets, setUp }) }
}

/** Waits until the processes have told of the last message. */
async function quiet(messages: readonly ShownMessage[]): Promise<void> {
  for (let seen = -1, rounds = 0; seen !== messages.length && rounds < 20; rounds++) {
    seen = messages.length
    await sleep(80)
  }
}

/** The numbers of a column. */
export function countsOf({ steps, secrets, setUp }: Pick<BesideColumn, 'steps' | 'secrets' | 'setUp'>): BesideCounts {
  const messages = steps.flatMap(step => step.messages)
  return {
    messages: messages.length,
    discovery: messages.filter(({ kind }) => kind === 'discovery').length,
    secrets: secrets.length,
    sharedSecrets: secrets.filter(({ shared }) => shared).length,
    setUp: setUp.length,
    userForms: messages.filter(({ from, request }) => from === 'user' && request.method === 'POST').length,
  }
}
