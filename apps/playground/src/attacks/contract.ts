// What the attacks tell the page. Types only, so that both can import them.

/** A request as it was sent. */
export interface WireRequest {
  readonly method: string
  /** The origin that it went to. */
  readonly to: string
  readonly target: string
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: string
}

/** A response as it was received. */
export interface WireResponse {
  readonly status: number
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: string
}

/** A request and its response. */
export interface WireExchange {
  readonly request: WireRequest
  readonly response: WireResponse
}

/** The kinds of attacks, in the order of the scoreboard. */
export type AttackKind = 'message' | 'signature' | 'token' | 'flow'

/** What an attack is, in words. */
export interface AttackInfo {
  readonly name: string
  readonly title: string
  /** What the attacker does, in one sentence. */
  readonly tries: string
  readonly kind: AttackKind
  /** Whether it changes a message; the others need a scene of their own. */
  readonly onMessage: boolean
}

/** An attack, and the rule of the protocol that it tries to break. */
export interface ListedAttack extends AttackInfo {
  readonly clause: string
  /** The heading of docs/protocol.md under which the clause stands, as part of its URL. */
  readonly heading: string
}

/** An attack, and whether it can be made on a message. */
export interface OfferedAttack extends ListedAttack {
  /** Why it cannot be made on the message; absent when it can. */
  readonly why?: string
}

/** Why a server refused. */
export interface Refusal {
  /** The check that failed: what the reason means. */
  readonly check: string
  readonly reason: string
  readonly code: string
  readonly description: string
  /** The rule of the protocol that the check keeps. */
  readonly clause: string
  /** Who refused, by name. */
  readonly by: string
}

/** `held`: the twin passed and the attack was refused, for a reason that the attack is about. Nothing else counts. */
export type Verdict = 'held' | 'twin refused' | 'attack passed' | 'refused for another reason' | 'not made'

/** What came of an attack. */
export interface AttackResult {
  readonly attack: string
  readonly title: string
  readonly tries: string
  readonly kind: AttackKind
  /** The rule of the protocol that the attack tries to break. */
  readonly rule: string
  /** Where it stands in docs/protocol.md. */
  readonly heading: string
  /** The captured message that was attacked, by its id. */
  readonly message?: number
  /** Unix milliseconds. */
  readonly at: number
  /** Milliseconds that it took. */
  readonly took: number
  readonly verdict: Verdict
  /** The unmodified request, which must pass. Absent when the attack could not be made. */
  readonly twin?: WireExchange
  /** The attacked request before the change, signed anew like the twin; absent where there is none. */
  readonly unchanged?: WireRequest
  /** The same request with the change, which must be refused. */
  readonly attacked?: WireExchange
  readonly refusal?: Refusal
  /** What else was seen, or why it could not be made. */
  readonly note?: string
}

/** The latest result of each attack. */
export interface Scoreboard {
  readonly state: 'waiting' | 'running' | 'ended'
  readonly attacks: readonly ListedAttack[]
  /** By attack; those that were not made yet are missing. */
  readonly results: readonly AttackResult[]
}
