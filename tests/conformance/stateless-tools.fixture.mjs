// The MCP server of revision 2026-07-28 that site.fixture.mjs serves.
import { callerOf } from '@countersign/mcp'
import { inputRequired, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'

const text = said => ({ content: [{ type: 'text', text: said }] })
const task = taskId => ({ taskId, status: 'working', createdAt: '', lastUpdatedAt: '', ttlMs: null })
const question = {
  requestState: 'asked',
  inputRequests: {
    who: inputRequired.elicit({ message: 'Who?', requestedSchema: { type: 'object', properties: {} } }),
  },
}

/** Tools and resources, each with a rule of its own. `elsewhere` is what a tool calls for its caller. */
export function statelessTools(elsewhere) {
  const server = new McpServer(
    { name: 'site', version: '1.0.0' },
    { capabilities: { resources: { subscribe: true }, tools: { listChanged: true } } },
  )
  for (const name of ['list', 'add']) server.registerTool(name, { description: name }, async () => text('done'))
  server.registerTool('ask', { description: 'Asks for input' }, async ({ mcpReq }) =>
    mcpReq.inputResponses === undefined ? inputRequired(question) : text('answered'),
  )
  for (const [name, taskId] of [
    ['report', 'one'],
    ['cancel', 'two'],
  ])
    server.registerTool(name, { description: 'Begins a task' }, async () => ({
      content: [],
      resultType: 'task',
      ...task(taskId),
    }))
  const region = z.string().meta({ 'x-mcp-header': 'Region' })
  server.registerTool('pick', { description: 'Reads a header', inputSchema: z.object({ region }) }, async () =>
    text('picked'),
  )
  server.server.setRequestHandler('tasks/get', { params: z.object({ taskId: z.string() }) }, async ({ taskId }) => ({
    resultType: 'complete',
    ...task(taskId),
  }))
  server.registerTool('hop', { description: 'Calls another resource' }, async context =>
    text(String((await callerOf(context).fetch(elsewhere)).status)),
  )
  for (const uri of ['note://open/one', 'note://closed/two'])
    server.registerResource(uri, uri, {}, async ({ href }) => ({ contents: [{ uri: href, text: href }] }))
  return server
}

/** The rules of these, and how many subscriptions a caller may have. */
export const statelessRules = {
  path: '/mcp-stateless',
  limits: { perCaller: 3 },
  tools: {
    list: { level: 'identified' },
    add: { scope: 'events.write' },
    ask: { level: 'identified' },
    pick: { level: 'identified' },
    report: { scope: 'events.read' },
    cancel: { scope: 'events.write', approve: true },
    hop: { scope: 'events.read' },
  },
  resources: { '*': { level: 'identified' }, 'note://closed/*': { scope: 'events.read' } },
}
