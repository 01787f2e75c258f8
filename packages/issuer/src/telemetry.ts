/** A request that was answered. */
export interface IssuerAnswer<Endpoint> {
  readonly endpoint: Endpoint
  /** Of the response. */
  readonly status: number
  /** Seconds from the read request to the response. */
  readonly seconds: number
}

/** What a server measures itself with. All of it is called as things happen, and must not wait; what it throws changes nothing. */
export interface IssuerTelemetry<Event, Answer, Load> {
  /** Receives every event, as `onEvent` does. */
  event(event: Event): void
  /** A request was answered. */
  answered(answer: Answer): void
  /**
   * A server with a database has opened. `load` counts what waits now, with reads of its database; it rejects while that is away.
   * @returns called when the server closes
   */
  opened(load: () => Promise<Load>): () => void
}
