import { setTimeout as sleep } from 'node:timers/promises'
import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  type McpServer,
  type ServerContext,
  type ServerEventBus,
} from '@modelcontextprotocol/server'
import { said } from './content.fixture.js'

// What the official suite expects of tools that say something before their answer, or need something of the client.

/** Adds the tools that send notifications, close their stream, or change what the server has. */
export function addStreamingTools(server: McpServer, bus: ServerEventBus): void {
  server.registerTool('test_tool_with_logging', { description: 'Logs thrice' }, context => logging(context, 50))
  // Of this one the suite waits half a second for an answer, also on a busy machine.
  server.registerTool('test_logging_tool', { description: 'Logs thrice' }, context => logging(context, 0))
  server.registerTool('test_tool_with_progress', { description: 'Tells its progress' }, async ctx => {
    const progressToken = ctx.mcpReq._meta?.progressToken
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined)
        await ctx.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress, total: 100 },
        })
      await sleep(50)
    }
    return said('Done in three steps')
  })
  server.registerTool('test_reconnection', { description: 'Closes its stream, then answers' }, async ctx => {
    ctx.http?.closeSSE?.()
    await sleep(100)
    return said('The answer came on another stream')
  })
  server.registerTool('test_streaming_elicitation', { description: 'Asks after a notification' }, async ctx => {
    await ctx.mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data: 'before' } })
    const requestedSchema = { type: 'object' as const, properties: { name: { type: 'string' as const } } }
    return inputRequired({ inputRequests: { name: inputRequired.elicit({ message: 'Who?', requestedSchema }) } })
  })
  server.registerTool('test_trigger_tool_change', { description: 'Says that tools changed' }, () => {
    bus.publish({ kind: 'tools_list_changed' })
    return said('Tools changed')
  })
  server.registerTool('test_trigger_prompt_change', { description: 'Says that prompts changed' }, () => {
    bus.publish({ kind: 'prompts_list_changed' })
    return said('Prompts changed')
  })
}

async function logging({ mcpReq }: ServerContext, pause: number): Promise<CallToolResult> {
  for (const line of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
    await mcpReq.log('info', line)
    await sleep(pause)
  }
  return said('Logged three lines')
}

/** What the client of a request of 2026-07-28 says that it can do. */
export function capabilitiesOf({ mcpReq }: ServerContext): Readonly<Record<string, unknown>> {
  // The SDK's type of it says nothing about its members.
  const envelope = { ...mcpReq.envelope } as { readonly [CLIENT_CAPABILITIES_META_KEY]?: Record<string, unknown> }
  return envelope[CLIENT_CAPABILITIES_META_KEY] ?? {}
}
