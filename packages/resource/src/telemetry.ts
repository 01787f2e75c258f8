import type { DiscoveryEvent } from '@countersign/discovery'
import type { ReceivedMessage } from '@countersign/httpsig'
import type { Level } from '@countersign/protocol'
import { type Authorization, authorizeRoute, type Guard } from './authorize.js'
import type { Observer, ResourceEvent } from './event.js'
import type { Route } from './requirement.js'

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

/** The event about a decision. */
export type DecisionEvent = Extract<ResourceEvent, { readonly type: 'passed' | 'refused' }>

/** Tells of what an adapter has decided by itself, and counts it. */
export function tellOwn(tell: Observer, telemetry: Telemetry | undefined): (event: DecisionEvent) => void {
  return event => {
    tell(event)
    quietly(() => telemetry?.refused?.(event))
  }
}

/** As {@link authorizeRoute}, measured. */
export async function authorizeMeasured(
  message: ReceivedMessage,
  route: Route,
  guard: Guard,
  telemetry: Telemetry,
): Promise<Authorization> {
  const begun = performance.now()
  const found: { event?: DecisionEvent; verifySeconds: number } = { verifySeconds: 0 }
  const measurement = quietly(() => telemetry.begin(route))
  let deciding: Promise<Authorization> | undefined
  const decide = (): Promise<Authorization> => {
    deciding ??= authorizeRoute(message, route, watched(guard, found))
    return deciding
  }
  quietly(() => measurement?.within?.(() => void decide()))
  try {
    return await decide()
  } finally {
    quietly(() => measurement?.end({ ...found, seconds: secondsSince(begun) }))
  }
}

/** The same guard, for one request, whose event and whose time to verify are noted. */
function watched(guard: Guard, found: { event?: DecisionEvent; verifySeconds: number }): Guard {
  return {
    ...guard,
    tell(event) {
      // The first: what a call of the handler comes to later is another story.
      if (event.type === 'passed' || event.type === 'refused') found.event ??= event
      guard.tell(event)
    },
    verifier: {
      ...guard.verifier,
      async verify(message, per) {
        const begun = performance.now()
        try {
          return await guard.verifier.verify(message, per)
        } finally {
          found.verifySeconds = secondsSince(begun)
        }
      },
    },
  }
}

function secondsSince(begun: number): number {
  return (performance.now() - begun) / 1000
}

/** Measuring is best effort; the request's outcome stands. */
function quietly<T>(measure: () => T): T | undefined {
  try {
    return measure()
  } catch {
    return undefined
  }
}
