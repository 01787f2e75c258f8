/** A header line. */
export type Line = readonly [name: string, value: string]

/** A request that a bot signs. */
export interface BotRequest {
  readonly method: string
  readonly url: URL
  /** With those that sign it as an agent. */
  readonly headers: ReadonlyArray<Line>
  readonly body?: Uint8Array | undefined
}

/** Signs requests as those of a verified bot, beside the signature of the agent; `webBotAuth` makes one. @see protocol §3.8 */
export interface WebBotAuth {
  /** The header that says whose bot it is; none for an origin that must not learn it. */
  headers(origin: string): ReadonlyArray<Line>
  /** The header lines to add to a request: none to one without that header. */
  sign(request: BotRequest, now: () => number): Promise<ReadonlyArray<Line>>
}
