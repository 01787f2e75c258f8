type Participants = Readonly<Partial<Record<string, { readonly port: number }>>>

/** Starts what stands behind the gateway: it answers everything, as an API or as an MCP server. @returns its port */
export function startUpstream(): Promise<number>
/** Settings of `countersign gateway` beside where it listens and keeps its data. */
export function gatewaySettings(
  kind: 'plain' | 'mcp',
  around: { readonly participants: Participants; readonly upstream: number },
): object
/** The configuration of the suite for it. */
export function gatewayOffers(kind: 'plain' | 'mcp', participants: Participants): object
