import type { ShownMessage } from '../explorer/contract.js'
import type { DimensionName } from './event.js'

export type { DimensionName }

// What the comparison with OAuth tells its page. Types only, so that the page can import them.

/** Whose world a column is: plain OAuth 2.1, OAuth with one more of its specifications, or AAuth. */
export type World = 'oauth' | 'oauth-more' | 'aauth'

export interface Dimension {
  readonly name: DimensionName
  readonly title: string
  /** What is played, in a sentence or two. */
  readonly about: string
  /** Where OAuth does as well, and with what; and what stays open in AAuth. */
  readonly fair: string
  /** What a column is called that came out so. */
  readonly labels: Readonly<Record<BesideOutcome['verdict'], string>>
  readonly columns: ReadonlyArray<{ readonly world: World; readonly title: string }>
}

/** Who acts in a step. */
export type Actor = 'client' | 'agent' | 'user' | 'thief' | 'operator' | 'impostor'

/** Something that an actor did, and every message that it caused. */
export interface BesideStep {
  readonly actor: Actor
  readonly what: string
  readonly messages: readonly ShownMessage[]
}

/** A value in a file that lets its reader in. */
export interface SecretAtRest {
  /** The file, inside the folder of the playground, and the member in it. */
  readonly place: string
  /** The begin of the value. */
  readonly shown: string
  /** Who keeps the file. */
  readonly holder: string
  /** What its reader can do with it. */
  readonly opens: string
  /** Whether another party has the same value. */
  readonly shared: boolean
}

/** Something that a person had to do before the flow could work. */
export interface SetUpStep {
  readonly what: string
  /** Where it can be seen. */
  readonly place: string
}

export interface BesideOutcome {
  /** `held`: what must not happen did not. `broken`: it did. `told`: nothing was attacked. */
  readonly verdict: 'held' | 'broken' | 'told'
  readonly sentence: string
  /** The message that decided it. */
  readonly message?: number
}

export interface BesideColumn {
  readonly world: World
  readonly title: string
  readonly steps: readonly BesideStep[]
  readonly outcome: BesideOutcome
  readonly secrets: readonly SecretAtRest[]
  readonly setUp: readonly SetUpStep[]
  readonly counts: BesideCounts
}

export interface BesideCounts {
  readonly messages: number
  /** Of these, metadata and keys, which a party that runs on keeps in its cache. */
  readonly discovery: number
  readonly secrets: number
  /** Of these, values that more than one party has. */
  readonly sharedSecrets: number
  /** Set-up steps of operators. */
  readonly setUp: number
  /** Forms that the user sent. */
  readonly userForms: number
}

/** The last play of a dimension. */
export interface BesideResult {
  readonly dimension: DimensionName
  readonly state: 'waiting' | 'playing' | 'ended'
  readonly columns: readonly BesideColumn[]
  /** Why it could not be played to its end. */
  readonly fault?: string
}

/** `GET /api/beside`. */
export interface BesideOverview {
  readonly dimensions: readonly Dimension[]
  readonly results: readonly BesideResult[]
}
