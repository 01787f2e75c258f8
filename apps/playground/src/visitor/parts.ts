import type { Participants } from '../participants.js'
import type { VisitorState } from './contract.js'

/** What the parts of the visitor share. */
export interface VisitorParts {
  readonly participants: Participants
  /** Runs a piece of work while no story is played, so that its messages do not mix with a story's. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>
  /** Tells the pages what has changed. */
  readonly tell: (change: Partial<VisitorState>) => void
  /** Milliseconds of the Unix time. */
  readonly now: () => number
}

/** Milliseconds after which a message that was answered is known here: processes report theirs by pipes. */
export const reportDelay = 60
