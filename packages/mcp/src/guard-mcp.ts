import type { Guarded, Resource } from '@countersign/resource'
import { sealsOf } from '@countersign/resource/internal'
import type { MountableParticipant } from '@countersign/server'
import {
  createMcpHandler,
  InMemoryServerEventBus,
  type McpRequestContext,
  McpServer,
  type ServerNotifier,
} from '@modelcontextprotocol/server'
import { answerRequest } from './answer-request.js'
import { checkMcpOptions } from './check-options.js'
import { createContinuations } from './continued/continuations.js'
import { observedContinuations } from './continued/observed.js'
import type { CreateServer, Endpoint } from './endpoint.js'
import { callerIn, type Mount, mountOf } from './mount.js'
import type { McpOptions } from './options.js'
import type { McpRules } from './rules/mcp-rules.js'
import { nameProof } from './rules/names.js'
import { ruleBook } from './rules/rule-book.js'
import { createExchanges } from './served/exchange.js'
import { defaultStreamLimits, streamShares } from './stream/shares.js'

/** A guarded MCP server. */
export interface McpParticipant extends MountableParticipant {
  /** Tells subscribers of all instances that share a `bus` what has changed: `notify.resourceUpdated(uri)`. */
  readonly notify: ServerNotifier
}

/**
 * Guards an MCP server of revision 2026-07-28 behind Streamable HTTP, made with SDK 2 (`@modelcontextprotocol/server`). The tool, prompt
 * or resource that a request names decides what its caller needs; headers, guard and server see the same call. Nothing is kept between
 * requests, so any number of instances can serve one endpoint. The result is for `serve`, `mountNode`, `mountHono` and `mountFetch` of
 * `@countersign/server`, and answers the resource's own paths, too.
 *
 * What a caller begins, such as a task or a request that needs input, only that caller can continue. Subscriptions and other streams end
 * with the token of their request. Handlers get the verified facts from {@link callerOf}. When `aauth.fetch` in a handler needs a user,
 * the caller is challenged for one, unless the server has already sent a message for the request.
 * @param createServer creates the server that answers one request, for its caller
 * @throws TypeError for an invalid option, and for a requirement that no caller could meet
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports, protocol §4, §12
 * @example
 * ```ts
 * import { guardMcp } from '@countersign/mcp'
 * import type { Resource } from '@countersign/resource'
 * import { serve } from '@countersign/server'
 * import { McpServer } from '@modelcontextprotocol/server'
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
  createServer: CreateServer,
  resource: Resource<S>,
  options: McpOptions<NoInfer<S>> = {},
): McpParticipant {
  checkMcpOptions(options)
  const rules = rulesOf(options)
  const mount = mountOf(resource, options, rules)
  const endpoint = createEndpoint(createServer, resource, { options, rules, mount })
  return {
    ...mount.serve(message => answerRequest(message, endpoint)),
    notify: endpoint.handler.notify,
    close: async () => {
      await Promise.all([endpoint.handler.close(), endpoint.unwatched.close()])
    },
  }
}

interface Configured<S extends string> {
  readonly options: McpOptions<S>
  readonly rules: McpRules<S>
  readonly mount: Mount
}

function createEndpoint<S extends string>(
  createServer: CreateServer,
  resource: Resource<S>,
  { options, rules: required, mount }: Configured<S>,
): Endpoint<S> {
  const { limits = {}, now = () => Date.now() / 1000, streamSeconds = 3600, legacy = 'stateless', onError } = options
  const { bus = new InMemoryServerEventBus(onError) } = options
  const rules = ruleBook(resource, required, { alsoAccept: mount.metadata?.alsoAccept })
  const at = `${resource.id}${mount.path}`
  const sealed = createContinuations({ seals: sealsOf(resource), at, now })
  const continuations = resource.observed === undefined ? sealed : observedContinuations(sealed, at)
  const exchanges = createExchanges({ ruleOf: name => rules.find({ kind: 'tool', name }), continuations, now })
  const shares = { ...defaultStreamLimits, ...limits }
  const settings = {
    legacy,
    bus,
    // The guard's own limit comes first.
    maxSubscriptions: shares.subscriptions + 1,
    ...(onError === undefined ? {} : { onerror: onError }),
  }
  const create = async (context: McpRequestContext) => {
    const server = await createServer(callerIn(context.authInfo), context)
    announce(server instanceof McpServer ? server.server : server)
    return server
  }
  return {
    resource,
    rules,
    proof: nameProof(),
    handler: createMcpHandler(async context => {
      const server = await create(context)
      exchanges.watch(server, context.authInfo)
      return server
    }, settings),
    unwatched: createMcpHandler(create, settings),
    exchanges,
    continuations,
    shares: streamShares(shares),
    waits: streamShares(shares),
    streamSeconds,
    holds: resource.paths.includes('/.well-known/aauth-agent'),
    now,
  }
}

/** The extension by which a server announces AAuth: under a name of this project, as AAuth has registered none. */
export const aauthExtension = 'io.github.countersign-dev/aauth'

function announce(server: { registerCapabilities(capabilities: object): void }): void {
  server.registerCapabilities({
    extensions: { [aauthExtension]: { edition: '2026-01', authorization: 'Agent-Auth' } },
  })
}

/** The rules among the options; a rule that is absent stays absent. */
function rulesOf<S extends string>(options: McpOptions<S>): McpRules<S> {
  const { path: _path, oauth: _oauth, limits: _limits, legacy: _legacy, ...rest } = options
  const { streamSeconds: _seconds, onError: _error, bus: _bus, now: _now, ...rules } = rest
  return rules
}

/** The part of the SDK's context that {@link callerOf} reads. */
export interface HandlerContext {
  readonly http?: { readonly authInfo?: { readonly extra?: Readonly<Record<string, unknown>> } } | undefined
}

/**
 * The verified facts about the caller, in a handler of a tool, prompt or resource: `callerOf(ctx)`.
 * @throws TypeError when the server is not behind {@link guardMcp}
 */
export function callerOf(context: HandlerContext): Guarded {
  return callerIn(context.http?.authInfo)
}
