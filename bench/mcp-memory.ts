import { generateSigningKey } from '@countersign/httpsig'
import { guardMcp } from '@countersign/mcp'
import { createResource } from '@countersign/resource'
import { heldBytes } from '@countersign/testing/held-bytes'
import { McpServer } from '@modelcontextprotocol/server'
import { type Bench, result } from './result.js'

/** Calls before the first look, and until the last one. */
const [first, all] = [100_000, 1_000_000]
const inFlight = 16

const open = { level: 'anonymous' } as const
const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** What a server holds on to after a million calls of a tool, in this process and unsigned: what is signed is remembered for two minutes. */
export const mcpMemory: Bench = {
  name: 'mcp-memory',
  async run() {
    const resource = createResource({
      id: 'https://tools.example',
      keys: [{ kid: 'r1', key: await generateSigningKey() }],
    })
    const tools = (): McpServer => {
      const server = new McpServer({ name: 'bench', version: '1' })
      server.registerTool('now', {}, async () => ({ content: [{ type: 'text', text: 'Chess at eight' }] }))
      return server
    }
    const participant = guardMcp(tools, resource, { session: open, tools: { '*': open } })
    const params = { name: 'now', _meta: meta }
    const body = new TextEncoder().encode(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }))
    const headers: ReadonlyArray<readonly [string, string]> = [
      ['host', 'tools.example'],
      ['content-type', 'application/json'],
      ['accept', 'application/json, text/event-stream'],
      ['mcp-protocol-version', '2026-07-28'],
      ['mcp-method', 'tools/call'],
      ['mcp-name', 'now'],
    ]
    let made = 0
    const until = async (count: number): Promise<number> => {
      const lane = async (): Promise<void> => {
        while (made++ < count) {
          const answer = await participant.handle({ method: 'POST', target: '/mcp', headers, body })
          if (answer instanceof Response) await answer.text()
        }
      }
      await Promise.all(Array.from({ length: inFlight }, lane))
      made = count
      return heldBytes()
    }
    const before = await until(first)
    const after = await until(all)
    return [
      result({
        id: 'bytes held after a million calls',
        inFlight,
        ratio: after / before,
        budget: 1.05,
        detail: `× those after ${first}; ${(after / 1e6).toFixed(1)} MB, ${(before / 1e6).toFixed(1)} MB before`,
      }),
    ]
  },
}
