/** Where the participants live: BASE the page, then +10, +20 and +21, +30 and +31, +40, +50, +60. */
export interface Addresses {
  readonly page: string
  readonly agentServer: string
  readonly authServer: string
  /** Of another domain: it trusts nobody of this one but by the rules it has. */
  readonly roomsAuthServer: string
  readonly calendar: string
  readonly rooms: string
  readonly webApp: string
  /** An API that knows nothing of AAuth, behind an OAuth provider. */
  readonly addressBook: string
  /** An MCP server, whose tools call the calendar. */
  readonly tools: string
}
