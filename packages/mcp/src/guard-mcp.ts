import { checkTarget, isSigned, pathOf } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import type { Guarded, Resource } from '@countersign/resource'
import type { MountableParticipant } from '@countersign/server'
import { checkMcpOptions } from './check-options.js'
import { answered, type Endpoint, type McpServerLike } from './endpoint.js'
import type { McpOptions } from './options.js'
import { preflightOf } from './origin.js'
import { protectedResource } from './protected-resource.js'
import type { McpRules } from './rules/mcp-rules.js'
import { nameProof } from './rules/names.js'
import { ruleBook } from './rules/rule-book.js'
import { createSessions, defaultSessionLimits } from './session/sessions.js'
import { recentEvents } from './stream/events.js'

export type { McpServerLike } from './endpoint.js'

/**
 * Guards an MCP server behind Streamable HTTP: the tool, prompt or resource that a message names decides what its caller needs,
 * and guard and server read the same value. For `serve`, `mountNode`, `mountHono` and `mountFetch` of `@countersign/server`; it
 * answers the resource's own paths, too.
 *
 * A session belongs to who opened it, by key, agent and delegate, or user; to anybody else it does not exist. Its streams end
 * with the token that opened them, and go on under a fresh one from the last event. Handlers get the facts by {@link callerOf};
 * what `aauth.fetch` needs of a user becomes the caller's challenge, where nothing was sent for the request before.
 * @param createServer makes the server of a session, for the caller that opens it
 * @throws TypeError for a requirement nobody could meet
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http, protocol §4
 */
export function guardMcp<S extends string>(
  createServer: (aauth: Guarded) => McpServerLike | Promise<McpServerLike>,
  resource: Resource<S>,
  options: McpOptions<NoInfer<S>> = {},
): MountableParticipant {
  checkMcpOptions(options)
  if (!/^\/[\x21\x24-\x3e\x40-\x7e]*$/.test(options.path ?? '/mcp'))
    throw new TypeError("guardMcp: option 'path' must begin with /, without query")
  const { path = '/mcp', limits = {}, now = () => Date.now() / 1000, oauth, streamSeconds = 3600 } = options
  const rulesOf = {
    session: options.session,
    tools: options.tools,
    prompts: options.prompts,
    resources: options.resources,
    optional: options.optional,
  }
  const scopes = scopesOf(rulesOf)
  const beside = oauth && protectedResource(oauth, { endpoint: `${resource.id}${path}`, scopes, cors: resource.cors })
  const open = resource.declare({ level: 'anonymous' })
  const endpoint: Endpoint<S> = {
    createServer,
    resource,
    rules: ruleBook(resource, given(rulesOf), beside === undefined ? {} : { alsoAccept: beside.alsoAccept }),
    proof: nameProof(),
    sessions: createSessions({
      ...{ ...defaultSessionLimits, ...limits, now },
      end: ({ server, events }) => {
        events.end()
        server.close().catch(() => {})
      },
    }),
    eventsOf: recentEvents(options.recentEvents ?? 1000),
    streamSeconds,
    holds: resource.paths.includes('/.well-known/aauth-agent'),
    now,
  }
  return {
    paths: [path, ...resource.paths, ...(beside?.paths ?? [])],
    async handle(message) {
      checkTarget(message)
      const at = pathOf(message.target)
      if (at === path) return preflightOf(message, resource) ?? answered(message, endpoint)
      if (beside?.paths.includes(at)) return beside.answer(message)
      const known = await resource.handle(message)
      if (known === undefined) throw new AAuthError('invalid_request', 'there is nothing here', { status: 404 })
      return known
    },
    judgeHead(head) {
      if (pathOf(head.target) !== path) return resource.judgeHead(head)
      // The body says which rule an unsigned request is for, and which components.
      return isSigned(head) ? resource.judgeHead(head, open) : 'whole'
    },
    ready: () => resource.ready(),
    async close() {
      for (const { id } of endpoint.sessions.all()) endpoint.sessions.remove(id)
    },
  }
}

function given<T extends object>(rules: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(rules).filter(([, rule]) => rule !== undefined)) as ReturnType<
    typeof given<T>
  >
}

function scopesOf({
  session,
  optional: _,
  ...tables
}: { [K in keyof McpRules<string>]: McpRules<string>[K] | undefined }): string[] {
  const all = [session, ...Object.values(tables).flatMap(rules => Object.values(rules ?? {}))]
  return [...new Set(all.flatMap(rule => rule?.scope ?? []))]
}

/** As much of what the SDK gives a handler as {@link callerOf} reads. */
export interface HandlerExtra {
  readonly authInfo?: { readonly extra?: Readonly<Record<string, unknown>> }
}

/**
 * The verified facts about who calls, in a handler of a tool, prompt or resource: `callerOf(extra)`.
 * @throws TypeError where the server is not behind {@link guardMcp}
 */
export function callerOf(extra: HandlerExtra): Guarded {
  const aauth = extra.authInfo?.extra?.['aauth']
  if (aauth === undefined) throw new TypeError('nobody has verified this request: put guardMcp in front of the server')
  return aauth as Guarded
}
