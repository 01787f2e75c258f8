import { callerOf, type HandlerContext, type McpRules } from '@countersign/mcp'
import { type CallToolResult, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { verifiedFacts } from './verified-facts.js'

/** The scopes of the tools, in words for users. */
export const toolsScopes = {
  'notes.write': 'Remember things for you',
  'plans.write': 'Make plans for you',
  'payments.make': 'Make payments for you',
} as const

/** A scope of the tools. */
export type ToolsScope = keyof typeof toolsScopes

/** What each tool requires of its callers. */
export const toolsRules: McpRules<ToolsScope> = {
  tools: {
    what_time: { level: 'identified' },
    remember: { scope: 'notes.write' },
    plan: { scope: 'plans.write' },
    pay: { scope: 'payments.make' },
  },
}

/** What outlives a request: each request has a server of its own. */
export interface ToolsContext {
  /** The identifier of the calendar. */
  readonly calendar: string
  /** The identifier of rooms. */
  readonly rooms: string
  /** Notes, by user. */
  readonly notes: Map<string, string[]>
}

const mostUsers = 1000
const mostNotes = 100

/**
 * The MCP server of one request. Two tools answer by themselves, one of them to identified callers, the other with the user's consent.
 * Two call other resources: `plan` the calendar, which the user allows once, and `pay` rooms, where the user approves each payment.
 */
export function toolsServer({ calendar, rooms, notes }: ToolsContext): McpServer {
  const server = new McpServer({ name: 'playground-tools', version: '1' })
  server.registerTool('what_time', { description: 'Tells the time' }, async ctx =>
    json({ time: new Date().toISOString(), ...verifiedFacts(callerOf(ctx)) }),
  )
  server.registerTool(
    'remember',
    { description: 'Remembers a note of the user', inputSchema: z.object({ note: z.string().min(1).max(1000) }) },
    async ({ note }, ctx) => {
      const { user } = callerOf(ctx)
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
      inputSchema: z.object({ summary: z.string().min(1).max(200), day: z.iso.date() }),
    },
    async ({ summary, day }, ctx) =>
      sent(ctx, { to: `${calendar}/events`, name: 'the calendar', body: { summary, start: day, end: dayAfter(day) } }),
  )
  server.registerTool(
    'pay',
    {
      description: 'Pays for a room',
      inputSchema: z.object({ amount: z.number().positive(), for: z.string().min(1).max(100) }),
    },
    async (payment, ctx) => sent(ctx, { to: `${rooms}/payments`, name: 'the rooms', body: payment }),
  )
  return server
}

/** A request to another resource. */
interface Sent {
  readonly to: string
  /** The resource, in words. */
  readonly name: string
  readonly body: object
}

/** If the resource needs the user, `callerOf(ctx).fetch` throws, and the guard asks: this code need not know. */
async function sent(ctx: HandlerContext, { to, name, body }: Sent): Promise<CallToolResult> {
  const response = await callerOf(ctx).fetch(to, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return response.ok ? json(await response.json()) : failed(`${name} answered ${response.status}`)
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
