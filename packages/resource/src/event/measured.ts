import type { Authorization } from '../guard/authorization.js'
import { authorizeRoute } from '../guard/authorize.js'
import type { DecisionEvent, Observer } from '../guard/event.js'
import type { Guard, ReceivedRequest } from '../guard/guarded-request.js'
import type { Measurement, Telemetry } from './telemetry.js'

/** Reports and counts what an adapter decided by itself. */
export function tellOwn(tell: Observer, telemetry: Telemetry | undefined): (event: DecisionEvent) => void {
  return event => {
    tell(event)
    quietly(() => telemetry?.refused?.(event))
  }
}

/** As {@link authorizeRoute}, measured. */
export function authorizeMeasured(received: ReceivedRequest, telemetry: Telemetry): Promise<Authorization> {
  const measurement = quietly(() => telemetry.begin(received.route))
  return measurement === undefined ? authorizeRoute(received) : authorizeWithin(received, measurement)
}

async function authorizeWithin(received: ReceivedRequest, measurement: Measurement): Promise<Authorization> {
  const begun = performance.now()
  const found: { event?: DecisionEvent; verifySeconds: number } = { verifySeconds: 0 }
  let deciding: Promise<Authorization> | undefined
  const decide = (): Promise<Authorization> => {
    deciding ??= authorizeRoute({ ...received, guard: watched(received.guard, found) })
    return deciding
  }
  quietly(() => measurement.within?.(() => void decide()))
  try {
    return await decide()
  } finally {
    quietly(() => measurement.end({ ...found, seconds: secondsSince(begun) }))
  }
}

/** The guard for one request; notes its event and how long verification takes. */
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
      async verifyHead(message, per) {
        const begun = performance.now()
        try {
          return await guard.verifier.verifyHead(message, per)
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
