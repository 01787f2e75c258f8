/** The members that the telemetries of auth servers and agent servers have in common. */
export interface MeasuredBy<Event, Answer, Load> {
  event(event: Event): void
  answered(answer: Answer): void
  opened(load: () => Promise<Load>): () => void
}

/** Calls a measurement, whose failure must not become the failure of what it measures. */
function harmless<T>(measure: () => T): T | undefined {
  try {
    return measure()
  } catch {
    return undefined
  }
}

/** Passes each event to the telemetry and to the operator. */
export function toldTo<Event>(
  telemetry: Pick<MeasuredBy<Event, never, never>, 'event'> | undefined,
  onEvent: ((event: Event) => void) | undefined,
): ((event: Event) => void) | undefined {
  if (telemetry === undefined) return onEvent
  return event => {
    harmless(() => telemetry.event(event))
    onEvent?.(event)
  }
}

/** Tells the telemetry how long each answer took, with the endpoint that `endpointOf` names. */
export function measured<Message, Endpoint>(
  telemetry:
    | Pick<
        MeasuredBy<never, { readonly endpoint: Endpoint; readonly status: number; readonly seconds: number }, never>,
        'answered'
      >
    | undefined,
  endpointOf: (message: NoInfer<Message>) => Endpoint,
  answer: (message: Message) => Promise<Response>,
): (message: Message) => Promise<Response> {
  if (telemetry === undefined) return answer
  return async message => {
    const began = performance.now()
    const response = await answer(message)
    const seconds = (performance.now() - began) / 1000
    harmless(() => telemetry.answered({ endpoint: endpointOf(message), status: response.status, seconds }))
    return response
  }
}

/** Tells the telemetry that a server has opened. Returns how to tell that it closes. */
export function telemetryOpened<Load>(
  telemetry: Pick<MeasuredBy<never, never, Load>, 'opened'> | undefined,
  load: () => Promise<Load>,
): () => void {
  const closed = harmless(() => telemetry?.opened(load))
  return () => void harmless(() => closed?.())
}
