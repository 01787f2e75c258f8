// What the explorer's server and its page tell each other. Types only, so that both can import them.

import type { AttackResult, Scoreboard } from '../attacks/contract.js'
import type { BesideEvent } from '../beside/event.js'
import type { VisitorState } from '../visitor/contract.js'

/** A party: a participant, or a person. Each has a lane. */
export type PartyId =
  | 'user'
  | 'agent'
  | 'agent-server'
  | 'auth-server'
  | 'rooms-auth-server'
  | 'calendar'
  | 'rooms'
  | 'desks'
  | 'web-app'
  | 'address-book'
  | 'tools'
  | 'elsewhere'
  | 'client'
  | 'thief'
  | 'oauth-server'
  | 'oauth-calendar'
  | 'oauth-rooms'
  | 'impostor'

export interface Party {
  readonly id: PartyId
  readonly name: string
  /** What it is in AAuth. */
  readonly role: 'user' | 'agent' | 'agent server' | 'auth server' | 'resource' | 'other'
  /** One sentence for a newcomer. */
  readonly about: string
  /** Its identifier; absent for people and for agents without a name. */
  readonly url?: string
  /** The documents that it publishes. */
  readonly documents: ReadonlyArray<{ readonly name: string; readonly url: string }>
}

/** A half of a message, as sent. Codes and refresh tokens are shortened. */
export interface Sent {
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: string
}

/** A request and its response. */
export interface ShownMessage {
  /** Unique until the playground starts afresh; counts up in order of receipt. */
  readonly id: number
  /** Unix seconds, with fractions. */
  readonly at: number
  /** The party whose process sent it. */
  readonly from: PartyId
  readonly to: PartyId
  /** The name of the user who sent it, when `from` is `user` and a script plays the user. */
  readonly person?: string
  /** What the signature names as its signer, which is only a claim until the receiver has verified it; absent when unsigned. */
  readonly signer?: string
  /** What happens, in one sentence. */
  readonly sentence: string
  readonly kind: MessageKind
  readonly request: Sent & { readonly method: string; readonly target: string }
  readonly response: Sent & { readonly status: number }
}

/** What a message is for. */
export type MessageKind = 'discovery' | 'enrolment' | 'call' | 'challenge' | 'token' | 'page' | 'revocation' | 'refused'

/** What a story claims, and whether it is so. */
export interface StoryCheck {
  readonly title: string
  readonly ok: boolean
  /** The actual value; absent if the check holds. */
  readonly seen?: string
}

export interface Story {
  readonly name: string
  readonly title: string
  /** What a reader learns from it, in a sentence or two. */
  readonly about: string
  /** Seconds it takes, about. */
  readonly seconds: number
}

/** The last run of a story. */
export interface StoryRun {
  readonly story: string
  readonly state: 'waiting' | 'playing' | 'ended'
  /** Whether every check holds; of a run that has ended. */
  readonly ok?: boolean
  readonly checks: readonly StoryCheck[]
  readonly messages: readonly ShownMessage[]
}

/** `GET /api/house`: what does not change while the playground runs. */
export interface House {
  readonly parties: readonly Party[]
  readonly stories: readonly Story[]
}

/** An event of `GET /api/events` (server-sent events, `data` is one of these as JSON). */
export type LiveEvent =
  | { readonly type: 'message'; readonly story?: string; readonly message: ShownMessage }
  | { readonly type: 'check'; readonly story: string; readonly check: StoryCheck }
  | { readonly type: 'story'; readonly story: string; readonly state: StoryRun['state']; readonly ok?: boolean }
  | BesideEvent
  | { readonly type: 'attack'; readonly state: Scoreboard['state']; readonly result?: AttackResult }
  | { readonly type: 'visitor'; readonly visitor: Partial<VisitorState> }
  /** Everything was made anew: what the page knows is no longer so. */
  | { readonly type: 'afresh' }

/** A document as a participant publishes it at this moment. */
export interface Published {
  readonly name: string
  readonly url: string
  /** Absent when it does not answer. */
  readonly status?: number
  /** JSON, indented; or why there is none. */
  readonly text: string
}
