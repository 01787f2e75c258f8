import { setTimeout as sleep } from 'node:timers/promises'
import { headerValues, type ReceivedMessage, randomText } from '@countersign/httpsig'
import { AAuthError, asAAuthError, errorResponse } from '@countersign/protocol'
import type { Authorization, Guarded, Resource } from '@countersign/resource'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { checkOrigin, exposeSession } from './origin.js'
import { listNames, type NameProof } from './rules/names.js'
import { type RpcMessage, readRpc } from './rules/rpc.js'
import type { Rule, RuleBook } from './rules/rule-book.js'
import { ownRequests } from './session/own-requests.js'
import { crowdOf, ownerOf, succeeded } from './session/owner.js'
import { type Session, type Sessions, sessionNotFound } from './session/sessions.js'
import { finishedStream, lastEventOf, lastingStream, standalone } from './stream/event-streams.js'
import type { RecentEvents } from './stream/events.js'
import { type Pending, type Purpose, type Requests, watchRequests } from './stream/requests.js'
import { isEventStream } from './stream/watched-body.js'

/** An MCP server of the SDK: `McpServer`, or `Server`. */
export interface McpServerLike {
  connect(transport: Transport): Promise<void>
  close(): Promise<void>
}

/** Requests of one session that may be under way at once. */
const mostRequests = 1000
/** Seconds in which a call of another service may still become the answer, more than such a call takes by default; then the stream begins. */
const holdSeconds = 15

/** What a session holds. */
export interface Held<S extends string> {
  readonly server: McpServerLike
  readonly transport: WebStandardStreamableHTTPServerTransport
  readonly requests: Requests<S>
  readonly events: RecentEvents<Purpose<S>>
  /** Asks the server what the guard must know. */
  readonly ask: ReturnType<typeof ownRequests>
}

/** An endpoint, and what it works with. */
export interface Endpoint<S extends string> {
  createServer(aauth: Guarded): McpServerLike | Promise<McpServerLike>
  readonly resource: Resource<S>
  readonly rules: RuleBook<S>
  readonly sessions: Sessions<Held<S>>
  /** Which rules are known to be for something that is there. */
  readonly proof: NameProof
  /** Makes the events of a session. */
  eventsOf(crowd: string): RecentEvents<Purpose<S>>
  readonly streamSeconds: number
  /** Whether handlers can call others, so that an answer may have to wait for what that comes to. */
  readonly holds: boolean
  readonly now: () => number
}

/** Answers a request to the endpoint. */
export async function answered<S extends string>(message: ReceivedMessage, endpoint: Endpoint<S>): Promise<Response> {
  const { resource, now } = endpoint
  try {
    checkOrigin(message, resource)
    if (!['POST', 'GET', 'DELETE'].includes(message.method)) return notAllowed(message, endpoint)
    if (message.dangerouslyUnseenBody) return await refusedByHead(message, endpoint)
    const rpc = message.method === 'POST' ? readRpc(message) : undefined
    const rule = rpc === undefined ? ruleOfStream(message, endpoint) : endpoint.rules.find(rpc.subject)
    const authorization = await resource.authorize(message, rule.requirement)
    if (!authorization.ok) return authorization.response
    const response = await within(message, { rpc, rule, authorization }, endpoint)
    resource.responseHeaders(response, rule.requirement, message)
    exposeSession(response.headers)
    return response
  } catch (thrown) {
    const error = asAAuthError(thrown)
    resource.refused(message, error)
    const response = errorResponse(error, { now })
    // The guard refuses by its own answer: what is thrown here may come of the server behind it, which may have acted.
    if (response.status === 503) response.headers.delete('agent-auth')
    resource.cors?.expose(message, response.headers)
    return response
  }
}

/** A request whose body was not read, since its signature holds for none. */
async function refusedByHead<S extends string>(
  message: ReceivedMessage,
  { resource, rules }: Endpoint<S>,
): Promise<Response> {
  const authorization = await resource.authorize(message, rules.session.requirement)
  if (authorization.ok) throw new TypeError('a request was let pass whose body was not read')
  return authorization.response
}

/** What a stream goes on with was asked for under a rule, which may be stricter than that of the session. */
function ruleOfStream<S extends string>(message: ReceivedMessage, { sessions, rules }: Endpoint<S>): Rule<S> {
  const event = lastEventOf(message)
  const [id, ...more] = headerValues(message, 'mcp-session-id')
  if (event === undefined || id === undefined || more.length > 0) return rules.session
  return sessions.get(id)?.value.events.purposeOf(event)?.rule ?? rules.session
}

/** What is not known to go on under this rule goes on under none. */
function checkEvent<S extends string>(message: ReceivedMessage, rule: Rule<S>, events: Held<S>['events']): void {
  const event = lastEventOf(message)
  if (event === undefined || events.purposeOf(event)?.rule === rule) return
  throw new AAuthError('invalid_request', 'there is no such event any more')
}

function notAllowed<S extends string>(message: ReceivedMessage, { resource, now }: Endpoint<S>): Response {
  const error = new AAuthError('invalid_request', 'this method is not allowed here', { status: 405 })
  resource.refused(message, error)
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
  { rpc, rule, authorization }: Let<S>,
  endpoint: Endpoint<S>,
): Promise<Response> {
  const begins = rpc?.request?.method === 'initialize'
  const enter = begins ? opened : found
  const session = await enter(message, authorization.aauth, endpoint)
  if (session instanceof Response) return session
  const { requests, events } = session.value
  checkEvent(message, rule, events)
  if (rpc !== undefined) await proveRules(rpc, { session, aauth: authorization.aauth, endpoint })
  const finished = finishedStream(message, events)
  if (finished !== undefined) return finished
  const pending = rpc?.request && begun(rpc.request, requests, { authorization, rule })
  const aauth = pending?.aauth ?? authorization.aauth
  const response = await passed(message, { session, rpc, aauth, endpoint })
  if (begins && response.status !== 200) endpoint.sessions.remove(session.id)
  if (message.method === 'DELETE' && response.ok) endpoint.sessions.remove(session.id)
  // Not taken: nothing will ever answer it.
  if (pending !== undefined && !isEventStream(response)) requests.forget(rpc?.request?.id)
  const instead = endpoint.holds && pending !== undefined ? await held(pending) : undefined
  if (instead === undefined) {
    const enter = (): (() => void) => endpoint.sessions.enter(session)
    return lastingStream(response, { message, session, enter, aauth, pending, ...endpoint })
  }
  await response.body?.cancel()
  return instead
}

/** Nothing goes by the rule for all others while a rule may be a slip of its name. */
async function proveRules<S extends string>(
  { subject }: RpcMessage,
  { session, aauth, endpoint }: Omit<Passed<S>, 'rpc'>,
): Promise<void> {
  const { rules, proof } = endpoint
  await proof.prove(rules.doubt(subject), kind => listNames(kind, session.value.ask(authInfoOf(aauth))))
}

interface Passed<S extends string> {
  readonly session: Session<Held<S>>
  readonly rpc: RpcMessage | undefined
  readonly aauth: Guarded
  readonly endpoint: Endpoint<S>
}

/** To the server, whose session is in use meanwhile. */
async function passed<S extends string>(
  message: ReceivedMessage,
  { session, rpc, aauth, endpoint }: Passed<S>,
): Promise<Response> {
  const { transport, requests } = session.value
  const over = endpoint.sessions.enter(session)
  const response = await transport
    .handleRequest(requestOf(message, endpoint.resource), {
      ...(rpc === undefined ? {} : { parsedBody: rpc.value }),
      authInfo: authInfoOf(aauth),
    })
    .finally(over)
  if (response.ok && rpc?.value['method'] === 'notifications/cancelled')
    requests.cancel(Object(rpc.value['params']).requestId)
  return response
}

function begun<S extends string>(
  request: NonNullable<RpcMessage['request']>,
  requests: Requests<S>,
  by: Pick<Let<S>, 'authorization' | 'rule'>,
): Pending<S> {
  if (requests.size >= mostRequests)
    throw new AAuthError('temporarily_unavailable', 'too many requests of this session are under way', {
      retryAfter: 5,
    })
  const pending = requests.begin({ ...request, ...by })
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

async function opened<S extends string>(
  message: ReceivedMessage,
  aauth: Guarded,
  endpoint: Endpoint<S>,
): Promise<Session<Held<S>>> {
  if (headerValues(message, 'mcp-session-id').length > 0)
    throw new AAuthError('invalid_request', 'a session is opened without the id of another')
  const id = randomText()
  const owner = await ownerOf(aauth, message)
  const events = endpoint.eventsOf(crowdOf(owner))
  events.dedicate(standalone, { rule: endpoint.rules.session })
  const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: () => id, eventStore: events })
  const ruleOf = (name: string): Rule<S> => endpoint.rules.find({ kind: 'tool', name })
  const requests = watchRequests(transport, { ruleOf, events })
  const ask = ownRequests(transport)
  const server = await endpoint.createServer(aauth)
  await server.connect(transport)
  const session = endpoint.sessions.add(id, { server, transport, requests, events, ask }, owner)
  if (session !== undefined) return session
  await server.close()
  throw new AAuthError('temporarily_unavailable', 'there is no room for another session', { retryAfter: 60 })
}

async function found<S extends string>(
  message: ReceivedMessage,
  aauth: Guarded,
  { sessions, resource }: Endpoint<S>,
): Promise<Session<Held<S>> | Response> {
  const nobodys = (): Response => sessionNotFound(error => resource.refused(message, error))
  const [id, ...more] = headerValues(message, 'mcp-session-id')
  if (id === undefined || more.length > 0)
    throw new AAuthError('invalid_request', 'Mcp-Session-Id must be there, once: a session begins with initialize')
  // Nothing is waited for between the look at the owner and its change, or two users who come at once would both get in.
  const caller = await ownerOf(aauth, message)
  const session = sessions.get(id)
  if (session === undefined) return nobodys()
  const owner = succeeded(session.owner, caller, aauth.key)
  if (owner === undefined) return nobodys()
  sessions.use(session, owner)
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
