import type { DiscoveryEvent } from '@countersign/discovery'
import type { Level } from '@countersign/protocol'
import type { DecisionEvent } from '../guard/event.js'

/**
 * What a resource measures itself with: `openTelemetry` of `@countersign/resource/otel`, or one of your own.
 * All of it is called as things happen, and must not wait; what it throws decides nothing.
 */
export interface Telemetry {
  /** A request is about to be verified and decided for a route: what its requirement says, and nothing of the request. */
  begin(route: { readonly name?: string; readonly level: Level }): Measurement
  /** A request was refused, or would be, by an adapter itself: no route was asked, so nothing was begun and no time is known. */
  refused?(event: DecisionEvent): void
  /** A token was looked at: verified before, or anew. */
  token(seen: 'hit' | 'miss'): void
  /** What discovery tells. Pass it as `onEvent` to a discovery of your own; that of the resource has it already. */
  readonly discovery: (event: DiscoveryEvent) => void
}

/** The measurement of one decision. */
export interface Measurement {
  /** Calls `decide`, which makes the decision: in a context of its own, say. Default: the caller's. */
  within?(decide: () => void): void
  /** It is made. Called once. */
  end(decision: Decision): void
}

/** What is measured of a decision. */
export interface Decision {
  /** The event about it; nothing in it is unverified. Absent where the resource itself has failed. */
  readonly event?: DecisionEvent
  /** Seconds it took. */
  readonly seconds: number
  /** Seconds of them that it took to verify: the signature, the token, the documents and keys of its issuer. */
  readonly verifySeconds: number
}
