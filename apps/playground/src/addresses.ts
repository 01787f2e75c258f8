/** The URLs of the participants: the page at BASE, the others at +10, +20, +21, +30, +31, +32, +40, +50 and +60. */
export interface Addresses {
  readonly page: string
  readonly agentServer: string
  readonly authServer: string
  /** In another domain: it accepts tokens of this one only where a rule allows it. */
  readonly roomsAuthServer: string
  readonly calendar: string
  readonly rooms: string
  /** A second API of the domain of rooms. It runs only while its story is played. */
  readonly desks: string
  readonly webApp: string
  /** An API that knows nothing of AAuth, behind an OAuth provider. */
  readonly addressBook: string
  /** An MCP server, whose tools call the calendar. */
  readonly tools: string
}
