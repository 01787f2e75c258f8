import { setTimeout as sleep } from 'node:timers/promises'
import { checkTarget, headerValues, pathOf, type ReceivedMessage, randomText } from '@countersign/httpsig'
import { AAuthError, asAAuthError, errorResponse } from '@countersign/protocol'
import type { Authorization, Guarded, Resource } from '@countersign/resource'
import type { MountableParticipant } from '@countersign/server'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { type RecentEvents, recentEvents } from './events.js'
import { ownerOf, succeeded } from './owner.js'
import { type McpOAuth, protectedResource } from './protected-resource.js'
import { type Pending, type Requests, watchRequests } from './requests.js'
import { type RpcMessage, readRpc } from './rpc.js'
import { type McpRules, type Rule, type RuleBook, ruleBook } from './rules.js'
import {
  createSessions,
  defaultSessionLimits,
  type Session,
  type SessionLimits,
  type Sessions,
  sessionNotFound,
} from './sessions.js'
import { watchedBody } from './stream.js'

/** An MCP server of the SDK: `McpServer`, or `Server`. */
export interface McpServerLike {
  connect(transport: Transport): Promise<void>
  close(): Promise<void>
}

/** What callers need, and what they get. */
export interface McpOptions<S extends string> extends McpRules<S> {
  /** Default `/mcp`. */
  readonly path?: string
  /** Clients by OAuth beside agents. Default none. */
  readonly oauth?: McpOAuth
  readonly limits?: Partial<SessionLimits>
  /** Events of a session that are kept for streams which go on; default 1000, and 128 MiB of all sessions. */
  readonly recentEvents?: number
  /** Seconds that a stream lasts at most; it also ends with the token of the request that opened it. Default 3600. */
  readonly streamSeconds?: number
  /** Unix seconds. */
  readonly now?: () => number
}

/** Requests of one session that may be under way at once. */
const mostRequests = 1000
/** Seconds in which a call of another service may still become the answer, more than such a call takes by default; then the stream begins. */
const holdSeconds = 15

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
  const { path = '/mcp', limits = {}, now = () => Date.now() / 1000, oauth, streamSeconds = 3600 } = options
  const rulesOf = {
    session: options.session,
    tools: options.tools,
    prompts: options.prompts,
    resources: options.resources,
  }
  const beside = oauth && protectedResource(oauth, { endpoint: `${resource.id}${path}`, scopes: scopesOf(rulesOf) })
  const endpoint: Endpoint<S> = {
    createServer,
    resource,
    rules: ruleBook(resource, given(rulesOf), beside === undefined ? {} : { alsoAccept: beside.alsoAccept }),
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
      if (at === path) return resource.cors?.preflight(message) ?? answered(message, endpoint)
      if (beside?.paths.includes(at)) return beside.metadata()
      const known = await resource.handle(message)
      if (known === undefined) throw new AAuthError('invalid_request', 'there is nothing here', { status: 404 })
      return known
    },
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
  ...tables
}: { [K in keyof McpRules<string>]: McpRules<string>[K] | undefined }): string[] {
  const all = [session, ...Object.values(tables).flatMap(rules => Object.values(rules ?? {}))]
  return [...new Set(all.flatMap(rule => rule?.scope ?? []))]
}

/** What a session holds. */
interface Held {
  readonly server: McpServerLike
  readonly transport: WebStandardStreamableHTTPServerTransport
  readonly requests: Requests
  readonly events: RecentEvents
}

interface Endpoint<S extends string> {
  createServer(aauth: Guarded): McpServerLike | Promise<McpServerLike>
  readonly resource: Resource<S>
  readonly rules: RuleBook<S>
  readonly sessions: Sessions<Held>
  /** Makes the events of a session. */
  eventsOf(): RecentEvents
  readonly streamSeconds: number
  /** Whether handlers can call others, so that an answer may have to wait for what that comes to. */
  readonly holds: boolean
  readonly now: () => number
}

async function answered<S extends string>(message: ReceivedMessage, endpoint: Endpoint<S>): Promise<Response> {
  const { resource, now } = endpoint
  try {
    if (!['POST', 'GET', 'DELETE'].includes(message.method)) return notAllowed(now)
    const rpc = message.method === 'POST' ? readRpc(message) : undefined
    const rule = rpc === undefined ? endpoint.rules.session : endpoint.rules.find(rpc.subject)
    const authorization = await resource.authorize(message, rule.requirement)
    if (!authorization.ok) return authorization.response
    const response = await within(message, { rpc, rule, authorization }, endpoint)
    resource.responseHeaders(response.headers, rule.requirement, message)
    return response
  } catch (thrown) {
    const response = errorResponse(asAAuthError(thrown), { now })
    resource.cors?.expose(message, response.headers)
    return response
  }
}

function notAllowed(now: () => number): Response {
  const error = new AAuthError('invalid_request', 'this method is not allowed here', { status: 405 })
  return errorResponse(error, { now, headers: [['allow', 'GET, POST, DELETE']] })
}

interface Let<S extends string> {
  readonly rpc: RpcMessage | undefined
  readonly rule: Rule<S>
  readonly authorization: Authorization & { readonly ok: true }
}

/** Lets a message into its session. */
async function within<S extends string>(
  message: ReceivedMessage,
  { rpc, authorization }: Let<S>,
  endpoint: Endpoint<S>,
): Promise<Response> {
  const session =
    rpc?.request?.method === 'initialize'
      ? await opened(message, authorization.aauth, endpoint)
      : await found(message, authorization.aauth, endpoint)
  if (session instanceof Response) return session
  const { transport, requests } = session.value
  const pending = rpc?.request && begun(rpc.request, requests, authorization)
  if (rpc?.value['method'] === 'notifications/cancelled') requests.forget(Object(rpc.value['params']).requestId)
  const aauth = pending?.aauth ?? authorization.aauth
  session.open += 1
  const over = (): void => {
    session.open -= 1
  }
  const response = await transport
    .handleRequest(requestOf(message, endpoint.resource), {
      ...(rpc === undefined ? {} : { parsedBody: rpc.value }),
      authInfo: authInfoOf(aauth),
    })
    .finally(over)
  if (rpc?.request?.method === 'initialize' && response.status !== 200) endpoint.sessions.remove(session.id)
  if (message.method === 'DELETE' && response.ok) endpoint.sessions.remove(session.id)
  // Not taken: nothing will ever answer it.
  if (pending !== undefined && !isStream(response)) requests.forget(rpc?.request?.id)
  const instead = endpoint.holds && pending !== undefined ? await held(pending) : undefined
  if (instead !== undefined) {
    await response.body?.cancel()
    return instead
  }
  return lasting(response, { session, aauth, endpoint })
}

function begun(
  request: NonNullable<RpcMessage['request']>,
  requests: Requests,
  authorization: Authorization & { readonly ok: true },
): Pending {
  if (requests.size >= mostRequests)
    throw new AAuthError('temporarily_unavailable', 'too many requests of this session are under way', {
      retryAfter: 5,
    })
  const pending = requests.begin({ ...request, authorization })
  // Answers are told apart by it: a second one under the same id would get the other's.
  if (pending === undefined) throw new AAuthError('invalid_request', 'a request of this id is under way')
  return pending
}

/** What the caller gets in place of the stream, as far as that turns out soon. */
async function held({ begun }: Pending): Promise<Response | undefined> {
  const hold = new AbortController()
  try {
    return await Promise.race([begun, sleep(holdSeconds * 1000, undefined, { signal: hold.signal })])
  } finally {
    hold.abort()
  }
}

interface Lasting<S extends string> {
  readonly session: Session<Held>
  readonly aauth: Guarded
  readonly endpoint: Endpoint<S>
}

/** A stream lasts as long as what has opened it; its session is in use meanwhile. */
function lasting<S extends string>(response: Response, { session, aauth, endpoint }: Lasting<S>): Response {
  const { status, headers, body } = response
  if (body === null || !isStream(response)) return response
  session.open += 1
  const seconds = Math.min((aauth.expires ?? Number.POSITIVE_INFINITY) - endpoint.now(), endpoint.streamSeconds)
  const ended = (): void => {
    session.open -= 1
    session.used = endpoint.now()
  }
  return new Response(watchedBody(body, { seconds, ended }), { status, headers: new Headers(headers) })
}

function isStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true
}

async function opened<S extends string>(
  message: ReceivedMessage,
  aauth: Guarded,
  endpoint: Endpoint<S>,
): Promise<Session<Held>> {
  if (headerValues(message, 'mcp-session-id').length > 0)
    throw new AAuthError('invalid_request', 'a session is opened without the id of another')
  const id = randomText()
  const events = endpoint.eventsOf()
  const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: () => id, eventStore: events })
  const requests = watchRequests(transport, tool => endpoint.rules.find({ kind: 'tool', name: tool }))
  const server = await endpoint.createServer(aauth)
  await server.connect(transport)
  const session = endpoint.sessions.add(id, { server, transport, requests, events }, await ownerOf(aauth, message))
  if (session !== undefined) return session
  await server.close()
  throw new AAuthError('temporarily_unavailable', 'there is no room for another session', { retryAfter: 60 })
}

async function found<S extends string>(
  message: ReceivedMessage,
  aauth: Guarded,
  { sessions }: Endpoint<S>,
): Promise<Session<Held> | Response> {
  const [id, ...more] = headerValues(message, 'mcp-session-id')
  if (id === undefined || more.length > 0)
    throw new AAuthError('invalid_request', 'Mcp-Session-Id must be there, once: a session begins with initialize')
  // Nothing is waited for between the look at the owner and its change, or two users who come at once would both get in.
  const caller = await ownerOf(aauth, message)
  const session = sessions.get(id)
  if (session === undefined) return sessionNotFound()
  const owner = succeeded(session.owner, caller, aauth.key)
  if (owner === undefined) return sessionNotFound()
  session.owner = owner
  sessions.use(session)
  return session
}

/** What the server sees of a request: nothing that proves who sent it. */
const passedOn = [
  'accept',
  'content-type',
  'last-event-id',
  'mcp-session-id',
  'mcp-protocol-version',
  'origin',
  'user-agent',
]

function requestOf(message: ReceivedMessage, { id }: { readonly id: string }): Request {
  const lines = passedOn.flatMap(name => headerValues(message, name).map((value): [string, string] => [name, value]))
  return new Request(`${id}${message.target}`, { method: message.method, headers: lines })
}

/** The SDK's place for who calls. There is no token in it: what a handler has, it can leak. */
function authInfoOf(aauth: Guarded) {
  return {
    token: '',
    clientId: aauth.agent ?? aauth.key ?? '',
    scopes: [...aauth.scope],
    ...(aauth.expires === undefined ? {} : { expiresAt: aauth.expires }),
    extra: { aauth },
  }
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
