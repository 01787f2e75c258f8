import type { DiscoveryEvent } from '@countersign/discovery'
import type { Level } from '@countersign/protocol'
import type { DecisionEvent } from '../guard/event.js'

/**
 * What a resource measures itself with: `openTelemetry` of `@countersign/resource/otel`, or one of your own.
 * All of it is called as things happen, and must not wait; what it throws decides nothing.
 */
export interface Telemetry {
  /** A request is about to be verified and decided: gets the requirement of its route, and nothing of the request. Undefined: it is not measured. */
  // unchecked options route: only packages of ours call it, and TypeScript checks them
  begin(route: { readonly name?: string | undefined; readonly level: Level }): Measurement | undefined
  /** An adapter refused a request by itself, or would have: no decision was begun, so there is no time to measure. */
  refused?(event: DecisionEvent): void
  /** A token was found in the cache of verified tokens (`hit`), or had to be verified (`miss`). */
  token(seen: 'hit' | 'miss'): void
  /** Observes discovery. Pass it as `onEvent` to a discovery of your own; the resource's own discovery has it already. */
  readonly discovery: (event: DiscoveryEvent) => void
}

/** The measurement of one decision. */
export interface Measurement {
  /** Calls `decide`, which makes the decision, e.g. in the context of a span. Default: in the context of the caller. */
  within?(decide: () => void): void
  /** Called once, when the decision is made. */
  end(decision: Decision): void
}

/** A decision, as it is measured. */
export interface Decision {
  /** The event of the decision, with verified facts only. Absent if the resource itself failed. */
  readonly event?: DecisionEvent
  /** Seconds for the whole decision. */
  readonly seconds: number
  /** The part of them for verification: the signature, the token, the documents and keys of its issuer. */
  readonly verifySeconds: number
}
