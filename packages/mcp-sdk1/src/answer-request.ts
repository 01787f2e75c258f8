import { setTimeout as sleep } from 'node:timers/promises'
import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import {
  authInfoOf,
  callOf,
  checkOrigin,
  exposeSession,
  isEventStream,
  listNames,
  type McpMessage,
  type Rule,
  readRpc,
  refuseUnread,
  showMessage,
} from '@countersign/mcp/internal'
import { errorResponse } from '@countersign/protocol'
import { asAAuthError, refusal } from '@countersign/protocol/internal'
import { type Authorization, type Guarded, revocableResponse } from '@countersign/resource'
import type { Endpoint, SessionParts } from './endpoint.js'
import { findSession, openSession } from './enter-session.js'
import type { Session } from './session/sessions.js'
import { finishedStream, lastEventOf, limitStream } from './stream/event-streams.js'
import type { Pending, Requests } from './stream/requests.js'

/** Requests of one session that may run at the same time. */
const mostRequests = 1000
/**
 * Seconds that a response is held back while the handler's call of another service may replace it: longer than such a call takes
 * by default. Then the stream begins.
 */
const holdSeconds = 15

/** Answers a request to the endpoint. */
export async function answerRequest<S extends string>(
  received: ReceivedMessage,
  endpoint: Endpoint<S>,
): Promise<Response> {
  const { resource, now } = endpoint
  let message = received
  try {
    checkOrigin(message, resource)
    if (!['POST', 'GET', 'DELETE'].includes(message.method)) return refuseMethod(message, endpoint)
    const read = await resource.read(received)
    if (read === undefined) return await refuseUnread(received, endpoint)
    message = read
    const rpc = message.method === 'POST' ? readRpc(message) : undefined
    const rule = rpc === undefined ? streamRuleOf(message, endpoint) : endpoint.rules.find(rpc.subject)
    const authorization = await resource.authorize(message, rule.requirement, callOf(message, rpc))
    if (!authorization.ok) return authorization.response
    const response = await answerInSession(message, { rpc, rule, authorization }, endpoint)
    resource.responseHeaders(response, rule.requirement, message)
    exposeSession(response.headers)
    const { whileOpen } = authorization
    if (whileOpen !== undefined) return revocableResponse(response, whileOpen)
    return response
  } catch (thrown) {
    const error = asAAuthError(thrown)
    resource.refused(message, error)
    const response = errorResponse(error, { now })
    // The guard makes its own refusals above. An error here may come from the server, which may have acted on the request:
    // Agent-Auth would tell the agent that it did not.
    if (response.status === 503) response.headers.delete('agent-auth')
    resource.cors?.expose(message, response.headers)
    return response
  }
}

/** The rule of a stream: a resumed stream keeps the rule of its request, which may be stricter than that of the session. */
function streamRuleOf<S extends string>(message: ReceivedMessage, { sessions, rules }: Endpoint<S>): Rule<S> {
  const event = lastEventOf(message)
  const [id, ...more] = headerValues(message, 'mcp-session-id')
  if (event === undefined || id === undefined || more.length > 0) return rules.session
  return sessions.get(id)?.value.events.purposeOf(event)?.rule ?? rules.session
}

/** Refuses to resume a stream that is not known to be under the rule by which the request was judged. */
function checkEvent<S extends string>(
  message: ReceivedMessage,
  rule: Rule<S>,
  events: SessionParts<S>['events'],
): void {
  const event = lastEventOf(message)
  if (event === undefined || events.purposeOf(event)?.rule === rule) return
  throw refusal('event_unknown')
}

function refuseMethod<S extends string>(message: ReceivedMessage, { resource, now }: Endpoint<S>): Response {
  const error = refusal('method_not_allowed')
  resource.refused(message, error)
  return errorResponse(error, { now, headers: [['allow', 'GET, POST, DELETE']] })
}

/** An authorized request. */
interface Authorized<S extends string> {
  readonly rpc: McpMessage | undefined
  readonly rule: Rule<S>
  readonly authorization: Authorization & { readonly ok: true }
}

/** Answers an authorized request in its session. */
async function answerInSession<S extends string>(
  message: ReceivedMessage,
  { rpc, rule, authorization }: Authorized<S>,
  endpoint: Endpoint<S>,
): Promise<Response> {
  const begins = rpc?.request?.method === 'initialize'
  const enter = begins ? openSession : findSession
  const session = await enter(message, authorization.aauth, endpoint)
  if (session instanceof Response) return session
  const { requests, events } = session.value
  checkEvent(message, rule, events)
  if (rpc !== undefined) await proveRules(rpc, { session, aauth: authorization.aauth, endpoint })
  const finished = finishedStream(message, events)
  if (finished !== undefined) return finished
  const pending = rpc?.request && beginRequest(rpc.request, requests, { authorization, rule })
  const aauth = pending?.aauth ?? authorization.aauth
  const response = await passToServer(message, { session, rpc, aauth, endpoint })
  if (begins && response.status !== 200) endpoint.sessions.remove(session.id)
  if (message.method === 'DELETE' && response.ok) endpoint.sessions.remove(session.id)
  // The transport refused the request, so the server will never answer it.
  if (pending !== undefined && !isEventStream(response)) requests.forget(rpc?.request?.id)
  const replacement = endpoint.holds && pending !== undefined ? await awaitReplacement(pending) : undefined
  if (replacement === undefined) {
    const enter = (): (() => void) => endpoint.sessions.enter(session)
    const limited = limitStream(response, { message, session, enter, aauth, pending, ...endpoint })
    return showPart(await limited, rpc, authorization)
  }
  await response.body?.cancel()
  return replacement
}

/** What the conditions of its caller let out of an answer. A stream that is being read ends with its grant. */
async function showPart(
  response: Response,
  rpc: McpMessage | undefined,
  { answer, whileOpen }: Authorized<string>['authorization'],
): Promise<Response> {
  if (answer === undefined) return response
  return showMessage(whileOpen === undefined ? response : revocableResponse(response, whileOpen), rpc, answer)
}

/** Refuses names that only the rule `*` covers while some rule names nothing the server has: that rule may be a slip. */
async function proveRules<S extends string>(
  { subject }: McpMessage,
  { session, aauth, endpoint }: Omit<InSession<S>, 'rpc'>,
): Promise<void> {
  const { rules, proof } = endpoint
  await proof.prove(rules.doubt(subject), kind => listNames(kind, session.value.ask(authInfoOf(aauth))))
}

/** A request in its session. */
interface InSession<S extends string> {
  readonly session: Session<SessionParts<S>>
  readonly rpc: McpMessage | undefined
  readonly aauth: Guarded
  readonly endpoint: Endpoint<S>
}

/** Passes a request to the server; its session counts as used until the response begins. */
async function passToServer<S extends string>(
  message: ReceivedMessage,
  { session, rpc, aauth, endpoint }: InSession<S>,
): Promise<Response> {
  const { transport, requests } = session.value
  const leave = endpoint.sessions.enter(session)
  const response = await transport
    .handleRequest(requestOf(message, endpoint.resource), {
      ...(rpc === undefined ? {} : { parsedBody: rpc.value }),
      authInfo: authInfoOf(aauth),
    })
    .finally(leave)
  if (response.ok && rpc?.value['method'] === 'notifications/cancelled')
    requests.cancel(Object(rpc.value['params']).requestId)
  return response
}

function beginRequest<S extends string>(
  request: NonNullable<McpMessage['request']>,
  requests: Requests<S>,
  by: Pick<Authorized<S>, 'authorization' | 'rule'>,
): Pending<S> {
  if (requests.size >= mostRequests)
    throw refusal('capacity_exceeded', { about: 'requests of this session that are still running', retryAfter: 5 })
  const pending = requests.begin({ ...request, ...by })
  // Answers are assigned to requests by id: a second request with the same id would get the answer of the first.
  if (pending === undefined) throw refusal('rpc_id_in_use')
  return pending
}

/** The response that replaces the stream; undefined when the server sends a message first, or after {@link holdSeconds}. */
async function awaitReplacement({ begun }: Pending): Promise<Response | undefined> {
  const hold = new AbortController()
  try {
    return await Promise.race([begun, sleep(holdSeconds * 1000, undefined, { signal: hold.signal })])
  } finally {
    hold.abort()
  }
}

/** The headers that the server gets: none with a credential. */
const passedHeaders = [
  'accept',
  'content-type',
  'last-event-id',
  'mcp-session-id',
  'mcp-protocol-version',
  'origin',
  'user-agent',
]

function requestOf(message: ReceivedMessage, { id }: { readonly id: string }): Request {
  const lines = passedHeaders.flatMap(name =>
    headerValues(message, name).map((value): [string, string] => [name, value]),
  )
  return new Request(`${id}${message.target}`, { method: message.method, headers: lines })
}
