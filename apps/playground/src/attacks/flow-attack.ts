import type { Reason } from '@countersign/protocol/reasons'
import type { Place } from './actor.js'
import type { AttackInfo } from './contract.js'
import type { Attempt, RunContext } from './run.js'

/** Where a flow takes place. */
export type Scene = Place & RunContext

/** What a flow has seen. */
export type Played = Omit<Attempt, 'reasons'>

/** An attack on a flow: it needs messages and users of its own. */
export interface FlowAttack extends AttackInfo {
  readonly onMessage: false
  /** The reasons that the attack is about, of a server or of an agent: a refusal for any other one proves nothing. */
  readonly reasons: ReadonlyArray<Reason | 'not_allowed'>
  readonly play: (scene: Scene) => Promise<Played>
}

/** What all flows have in common. */
export const flow = { kind: 'flow', onMessage: false } as const
