import { type Agent, AgentError, type AgentEvent, deviceCode } from '@countersign/agent'
import { loopback } from '@countersign/agent/node'
import { type CommandNames, type IdentityFlags, noteLines, shown } from '@countersign/fetch'
import { agentOf, asksByCode, isBrowserThere, requireUrl, stepLine, visitBy } from '@countersign/fetch/agent'
import { agentTransport, bridge, type ElicitingClient, elicitCode, elicitUrl } from '@countersign/mcp/client'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { type AskingLater, askLater } from './ask-later.js'

/** `countersign mcp-bridge URL`: an MCP server on standard input and output, which speaks AAuth to the one at the URL. */
export async function mcpBridge(url: string, flags: IdentityFlags, names: CommandNames): Promise<void> {
  const target = requireUrl(url)
  const onEvent = (event: AgentEvent): void => {
    if (flags.verbose) noteLines(stepLine(event))
  }
  const between = bridge({
    local: new StdioServerTransport(),
    // Whoever started this command reads what it says.
    links: 'told',
    remote: onLost => agentTransport(target, agent, { onLost }),
    onError: error => noteLines(`countersign: ${textOf(error)}`),
  })
  const asking = interactBy(between, flags)
  const agent: Pick<Agent, 'fetch'> = await agentOf(flags, {
    interact: asking.interact,
    onEvent,
    names,
  })
  const stop = (): void => void between.close()
  // A client that has gone says so on no other channel.
  process.stdin.once('end', stop)
  process.stdout.once('error', stop)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  await between.start()
  if (flags.verbose) noteLines(`* bridge to ${target.href} as ${flags.as}`)
  await between.closed
  asking.stop()
}

/** By the client where it can, else in a browser; where none can be started, the call that needs a user fails with where to go. */
function interactBy(client: ElicitingClient, flags: IdentityFlags): AskingLater {
  return askLater(({ open, show }) => {
    if (asksByCode(flags)) return deviceCode({ show: elicitCode({ client, otherwise: show }) })
    const isReached = flags.browser === false || isBrowserThere(process)
    return loopback({ open: elicitUrl({ client, otherwise: isReached ? visitBy(flags, process.stderr) : open }) })
  })
}

/** A link for the user must reach them, and no protocol carries it. Else the message may quote a server's page. */
export function textOf(error: Error): string {
  if (error instanceof AgentError && error.url !== undefined) return `${error.message}; go there: ${error.url}`
  return shown(error.message)
}
