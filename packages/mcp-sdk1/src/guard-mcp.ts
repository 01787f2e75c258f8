import { callerIn, type Mount, mountOf, nameProof, ruleBook } from '@countersign/mcp/internal'
import type { McpRules } from '@countersign/mcp/internal/rules'
import type { Guarded, Resource } from '@countersign/resource'
import type { MountableParticipant } from '@countersign/server'
import { answerRequest } from './answer-request.js'
import { checkSessionOptions } from './check-options.js'
import type { Endpoint, McpServerLike } from './endpoint.js'
import type { McpSessionOptions } from './options.js'
import { createSessions, defaultSessionLimits } from './session/sessions.js'
import { recentEvents } from './stream/events.js'

export type { McpServerLike } from './endpoint.js'

/**
 * Guards an MCP server behind Streamable HTTP. The tool, prompt or resource that a message names decides what its caller needs;
 * guard and server read the same parsed value. The result is for `serve`, `mountNode`, `mountHono` and `mountFetch` of
 * `@countersign/server`, and answers the resource's own paths, too.
 *
 * A session belongs to the key, agent and delegate, or user that opened it; for every other caller it does not exist. Its streams
 * end with the token of the request that opened them; with a fresh token they resume after the last event. Handlers get the
 * verified facts from {@link callerOf}. When `aauth.fetch` in a handler needs a user, the caller is challenged for one, unless the
 * server has already sent a message for the request.
 * @param createServer creates the server of a session, for the caller that opens it
 * @throws TypeError for an invalid option, and for a requirement that no caller could meet
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http, protocol §4
 * @example
 * ```ts
 * import { guardMcp } from '@countersign/mcp-sdk1'
 * import type { Resource } from '@countersign/resource'
 * import { serve } from '@countersign/server'
 * import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
 *
 * declare const resource: Resource // made by createResource
 * const participant = guardMcp(() => new McpServer({ name: 'tools', version: '1.0.0' }), resource, {
 *   session: { level: 'identified' },
 *   tools: { '*': { level: 'identified' } },
 * })
 * await serve({ name: 'tools', id: 'https://tools.example', port: 8443, participant })
 * ```
 */
export function guardMcp<S extends string>(
  createServer: (aauth: Guarded) => McpServerLike | Promise<McpServerLike>,
  resource: Resource<S>,
  options: McpSessionOptions<NoInfer<S>> = {},
): MountableParticipant {
  checkSessionOptions(options)
  const rules = rulesOf(options)
  const mount = mountOf(resource, options, rules)
  const endpoint = createEndpoint(createServer, resource, { options, rules, mount })
  return {
    ...mount.serve(message => answerRequest(message, endpoint)),
    async close() {
      for (const { id } of endpoint.sessions.all()) endpoint.sessions.remove(id)
    },
  }
}

interface Configured<S extends string> {
  readonly options: McpSessionOptions<S>
  readonly rules: McpRules<S>
  readonly mount: Mount
}

function createEndpoint<S extends string>(
  createServer: Endpoint<S>['createServer'],
  resource: Resource<S>,
  { options, rules, mount }: Configured<S>,
): Endpoint<S> {
  const { limits = {}, now = () => Date.now() / 1000, streamSeconds = 3600 } = options
  return {
    createServer,
    resource,
    rules: ruleBook(resource, rules, { alsoAccept: mount.metadata?.alsoAccept }),
    proof: nameProof(),
    sessions: createSessions({
      ...defaultSessionLimits,
      ...limits,
      now,
      end({ server, events }) {
        events.end()
        server.close().catch(() => {})
      },
    }),
    eventsOf: recentEvents(options.recentEvents ?? 1000),
    streamSeconds,
    holds: resource.paths.includes('/.well-known/aauth-agent'),
    now,
  }
}

/** The rules among the options; a rule that is absent stays absent. */
function rulesOf<S extends string>(options: McpSessionOptions<S>): McpRules<S> {
  const { path: _path, oauth: _oauth, limits: _limits, recentEvents: _events, ...rest } = options
  const { streamSeconds: _seconds, now: _now, ...rules } = rest
  return rules
}

/** The part of the SDK's `extra` that {@link callerOf} reads. */
export interface HandlerExtra {
  readonly authInfo?: { readonly extra?: Readonly<Record<string, unknown>> }
}

/**
 * The verified facts about the caller, in a handler of a tool, prompt or resource: `callerOf(extra)`.
 * @throws TypeError when the server is not behind {@link guardMcp}
 */
export function callerOf(extra: HandlerExtra): Guarded {
  return callerIn(extra.authInfo)
}
