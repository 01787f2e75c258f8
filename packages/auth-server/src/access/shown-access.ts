import type { Conditions, Words } from '@countersign/conditions'

/** One entry of the account page: what one agent, or one delegate of it, may do at one resource. Times are Unix seconds. */
export interface ShownAccess {
  readonly agent: string
  readonly delegate?: string | undefined
  readonly resource: string
  /** Identity scopes included. */
  readonly scope: readonly string[]
  /** The words that the user saw, by scope. */
  readonly words: Readonly<Record<string, string>>
  /** What the resource says of scopes now, where that differs; empty where it says nothing any more. */
  readonly wordsNow?: Readonly<Record<string, string>> | undefined
  /** Scopes that the resource calls far-reaching now. */
  readonly grave?: readonly string[] | undefined
  readonly since: number
  readonly lastUsed: number
  /** When it ends unless it is used. */
  readonly until: number
  /** The user has told the agent to stop asking there: nothing is given until they change it. */
  readonly rests?: boolean | undefined
  /** The agents through which calls come that it is for, nearest first; none where they are not known. Undefined: it is for itself. */
  readonly through?: readonly string[] | undefined
  /** What it is for, as the resource names it. */
  readonly purposes?: readonly string[] | undefined
  /** Under which its user allowed it. */
  readonly conditions?: Conditions | undefined
  /** The resource's own words for them, where they are at hand. */
  readonly terms?: Words | undefined
}

/** A resource that was told, or is still to be told, that access was taken back. */
export interface ShownNotice {
  readonly agent: string
  readonly resource: string
  readonly outcome: string
  /** Status of its last answer; null where there was none. */
  readonly status: number | null
  readonly created: number
  readonly ended: number | null
}
