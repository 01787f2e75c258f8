/** The URLs of the participants: the page at BASE, the others at +10, +20, +21, +30, +31, +32, +40, +50, +60 and from +70 on. */
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
  /** The OAuth world of the comparison, which runs only once it is needed: authorization server, two APIs and the client's callback. */
  readonly oauthServer: string
  readonly oauthCalendar: string
  readonly oauthRooms: string
  /** An API that wants what its callers have, in both worlds of the comparison. */
  readonly impostor: string
  readonly oauthClient: string
}
