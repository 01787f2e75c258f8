import type { ShownMessage } from '../explorer/contract.js'
import type { Actor } from './contract.js'

/** A column that is being played. */
export interface Stage {
  /** Does something, and keeps every message that it causes, which `work` gets as they come. Returns its result. */
  step<T>(actor: Actor, what: string, work: (heard: readonly ShownMessage[]) => Promise<T>): Promise<T>
  /** The messages of the last step. */
  last(): readonly ShownMessage[]
  /** The messages of all steps so far. */
  all(): readonly ShownMessage[]
}
