/** What the configuration of the peer says of its MCP servers. */
export interface McpSettings {
  /** The agent that the route of a gateway takes, and one that it denies. */
  readonly agent: string
  readonly deniedAgent: string
}
