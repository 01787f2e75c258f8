import type { Draft } from '../signing/draft.js'
import type { WireRequest } from '../wire/message.js'
import type { Refusal } from './refusal.js'
import type { Trial } from './trial.js'

/** One case of the suite: what a requirement says, seen from outside. */
export interface Case<Stage> {
  /** The id of a case or clause in requirements/. */
  readonly id: string
  /** Cases of a group share a topic; after each group the suite looks whether all still works. */
  readonly group: string
  /** Words of the sentence of docs/protocol.md that it stands on, or of several. Without them its clause is one sentence. */
  readonly words?: string | readonly string[]
  /** Clauses that it is about beside its own. */
  readonly clauses?: readonly string[]
  /** What the implementation must have declared: names of {@link Needs}. */
  readonly needs?: readonly string[]
  /** Whether no other case may run meanwhile, where cases run at once: it changes what they share. */
  readonly alone?: true
  /** Tries and looks. The first request of a case is its control. */
  readonly run: (trial: Trial, stage: Stage) => Promise<void>
}

/** Says why a need is not met; undefined where it is. */
export type Needs<Stage> = Readonly<Record<string, (stage: Stage) => string | undefined>>

/** One request that differs from the control in one thing. */
export interface Variation {
  /** The one thing, in words. */
  readonly fault: string
  /** Changes what is signed. */
  readonly draft?: (draft: Draft) => Draft
  /** Changes what is sent, after it was signed. */
  readonly sent?: (request: WireRequest) => WireRequest
  /** What the description of its refusal must name. */
  readonly described?: string
  /** How it must be refused; default as the case says. */
  readonly refused?: Refusal
}
