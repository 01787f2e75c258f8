import { type Agent, AgentError, type AgentEvent, deviceCode } from '@countersign/agent'
import { loopback } from '@countersign/agent/node'
import { type CommandNames, type IdentityFlags, noteLines, shown } from '@countersign/fetch/internal'
import { agentOf, asksByCode, isBrowserThere, requireUrl, stepLine, visitBy } from '@countersign/fetch/internal/agent'
import { agentTransport, type ElicitingClient, elicitCode, elicitUrl } from '@countersign/mcp/client'
import { bridge } from '@countersign/mcp-sdk1/bridge'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { askLater, type LaterInteraction } from './ask-later.js'

/** `countersign mcp-bridge URL`: runs an MCP server on standard input and output that speaks AAuth to the one at the URL. */
export async function mcpBridge(url: string, flags: IdentityFlags, names: CommandNames): Promise<void> {
  const target = requireUrl(url)
  const onEvent = (event: AgentEvent): void => {
    if (flags.verbose) noteLines(stepLine(event))
  }
  const between = bridge({
    local: new StdioServerTransport(),
    // The client belongs to the user who started this command.
    links: 'told',
    remote: onLost => agentTransport(target, agent, { onLost }),
    isAskingUser: () => interaction.isAsking(),
    onError: error => noteLines(`countersign: ${textOf(error)}`),
  })
  const interaction = interactionOf(between, flags)
  const agent: Pick<Agent, 'fetch'> = await agentOf(flags, {
    interact: interaction.interact,
    onEvent,
    names,
  })
  const stop = (): void => void between.close()
  // The end of these streams is the only sign that the client has exited.
  process.stdin.once('end', stop)
  process.stdout.on('error', stop)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  await between.start()
  if (flags.verbose) noteLines(`* bridge to ${target.href} as ${flags.as}`)
  await between.closed
  interaction.stop()
}

/** Asks the user through the client, or in a browser; when no browser can be started, the call fails with the URL. */
function interactionOf(client: ElicitingClient, flags: IdentityFlags): LaterInteraction {
  return askLater(({ open, show, openAgain, showAgain }) => {
    if (asksByCode(flags)) return deviceCode({ show: showAgain(elicitCode({ client, otherwise: show })) })
    // Nobody reads the standard error of a server that a client has launched: with --no-browser the call fails with the URL.
    const isReached = flags.browser !== false && isBrowserThere(process)
    const otherwise = isReached ? visitBy(flags, process.stderr) : open
    return loopback({ open: openAgain(elicitUrl({ client, otherwise })) })
  })
}

/** The text of an error for standard error: with the link for the user; escaped otherwise, since it may quote a page of the server. */
export function textOf(error: Error): string {
  if (error instanceof AgentError && error.url !== undefined) return `${error.message}; open ${error.url}`
  return shown(error.message)
}
