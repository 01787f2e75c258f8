import { callerOf, type HandlerExtra, type McpSessionOptions } from '@countersign/mcp/sdk1'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { verifiedFacts } from './verified-facts.js'

/** The scopes of the tools, in words for users. */
export const toolsScopes = {
  'notes.write': 'Remember things for you',
  'plans.write': 'Make plans for you',
} as const

/** A scope of the tools. */
export type ToolsScope = keyof typeof toolsScopes

/** What each tool requires of its callers. */
export const toolsRules: McpSessionOptions<ToolsScope> = {
  tools: {
    what_time: { level: 'identified' },
    remember: { scope: 'notes.write' },
    plan: { scope: 'plans.write' },
  },
}

/** State that the servers of all sessions share. */
export interface ToolsContext {
  /** The identifier of the calendar. */
  readonly calendar: string
  /** Notes, by user. */
  readonly notes: Map<string, string[]>
}

const mostUsers = 1000
const mostNotes = 100

/** The MCP server of one session: a tool for identified callers, one that needs the user's consent, and one that calls the calendar. */
export function toolsServer({ calendar, notes }: ToolsContext): McpServer {
  const server = new McpServer({ name: 'playground-tools', version: '1' })
  server.registerTool('what_time', { description: 'Tells the time' }, async extra =>
    json({ time: new Date().toISOString(), ...verifiedFacts(callerOf(extra)) }),
  )
  server.registerTool(
    'remember',
    { description: 'Remembers a note of the user', inputSchema: { note: z.string().min(1).max(1000) } },
    async ({ note }, extra) => {
      const { user } = callerOf(extra)
      if (user === undefined) return failed('a note needs a user whose it is')
      const own = [...(notes.get(keyOf(user)) ?? []), note].slice(-mostNotes)
      notes.set(keyOf(user), own)
      if (notes.size > mostUsers) notes.delete(notes.keys().next().value ?? '')
      return json({ remembered: note, user: { iss: user.iss, sub: user.sub } })
    },
  )
  server.registerTool(
    'plan',
    {
      description: 'Puts a day into the calendar of the user',
      inputSchema: { summary: z.string().min(1).max(200), day: z.iso.date() },
    },
    async (plan, extra) => planned(plan, extra, calendar),
  )
  return server
}

/** If the calendar needs the user's consent, `aauth.fetch` asks for it: this code need not know. */
async function planned(
  { summary, day }: { readonly summary: string; readonly day: string },
  extra: HandlerExtra,
  calendar: string,
): Promise<CallToolResult> {
  const response = await callerOf(extra).fetch(`${calendar}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ summary, start: day, end: dayAfter(day) }),
  })
  return response.ok ? json(await response.json()) : failed(`the calendar answered ${response.status}`)
}

function dayAfter(day: string): string {
  return new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10)
}

/** A user is the pair of issuer and `sub`: two issuers may use one `sub` for two users. */
function keyOf({ iss, sub }: { readonly iss: string; readonly sub: string }): string {
  return JSON.stringify([iss, sub])
}

function json(value: unknown): CallToolResult {
  return { content: [{ type: 'text', text: JSON.stringify(value) }] }
}

function failed(text: string): CallToolResult {
  return { isError: true, content: [{ type: 'text', text }] }
}
