// An MCP server whose tools ask for different things: every agent that says who it is may look, those on a list may add.
//
//   node examples/mcp-server/server.mjs [port] [agent...]        http://localhost:4840/mcp
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { callerOf, guardMcp } from '@countersign/mcp'
import { createResource } from '@countersign/resource'
import { keysFile, serve } from '@countersign/server'
import { McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'

/**
 * Starts the server; resolves with its URL and a function that ends it.
 * @param o.folder keeps the keys: a restart signs under the same ones
 */
export async function start({ port = 4840, folder = import.meta.dirname, friends = [], announce } = {}) {
  const id = `http://localhost:${port}`
  const resource = createResource({
    id,
    development: true,
    keys: await keysFile(join(folder, 'tools-keys.json')),
    authServers: [],
    limits: { identified: '600/min' },
  })
  const shopping = []
  const participant = guardMcp(() => toolsFor(shopping), resource, {
    tools: { list_items: { level: 'identified' }, add_item: { level: 'identified', agents: friends } },
  })
  const place = { name: 'tools', id, port, participant, development: true, bodyLimit: 1_048_576 }
  const running = await serve({
    ...place,
    ...(announce === undefined ? {} : { announce, signals: false, level: 'error' }),
  })
  return { url: `${id}/mcp`, end: () => running.close() }
}

/** A server for one request, over the list that all share. */
function toolsFor(shopping) {
  const server = new McpServer({ name: 'shopping', version: '1.0.0' })
  server.registerTool('list_items', { description: 'What is on the list' }, async () => ({
    content: [{ type: 'text', text: shopping.map(({ item, by }) => `${item} (${by})`).join('\n') || 'nothing' }],
  }))
  const input = { description: 'Put something on the list', inputSchema: z.object({ item: z.string().max(100) }) }
  server.registerTool('add_item', input, async ({ item }, ctx) => {
    const by = callerOf(ctx).agent
    shopping.push({ item, by })
    if (shopping.length > 100) shopping.shift()
    return { content: [{ type: 'text', text: `${item} is on the list, by ${by}` }] }
  })
  return server
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [port = '4840', ...friends] = process.argv.slice(2)
  await start({ port: Number(port), friends })
}
