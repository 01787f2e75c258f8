import { setTimeout as sleep } from 'node:timers/promises'
import type { ReceivedMessage } from '@countersign/httpsig'
import { errorResponse } from '@countersign/protocol'
import { asAAuthError, refusal, rememberText } from '@countersign/protocol/internal'
import { type Guarded, type Requirement, revocableResponse } from '@countersign/resource'
import { type Authorized, admitCaller, check, type Leave } from './admit-caller.js'
import { callOf } from './answer/message-call.js'
import { rpcErrorOf } from './answer/rpc-error.js'
import { showMessage } from './answer/show-message.js'
import { messageForServer, readContinued, subjectOf } from './continued/unsealed.js'
import type { Endpoint } from './endpoint.js'
import { ownerOf } from './message/owner.js'
import { checkOrigin } from './origin.js'
import { refuseUnread } from './refuse-unread.js'
import { type McpMessage, readRpc } from './rules/rpc.js'
import type { Rule, RuleBook } from './rules/rule-book.js'
import type { Exchange } from './served/exchange.js'
import { passToServer } from './served/pass-to-server.js'
import { isEventStream, watchedBody } from './stream/watched-body.js'

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
  const { resource, rules, now } = endpoint
  let message = received
  try {
    check(message, resource, () => checkOrigin(message, resource))
    if (message.method !== 'POST') return refuseMethod(message, endpoint)
    const read = await resource.read(received)
    if (read === undefined) return await refuseUnread(received, endpoint)
    message = read
    const rpc = readRpc(message)
    const continuing = await readContinued(rpc, endpoint.continuations)
    const rule = rules.find(subjectOf(rpc, continuing))
    const requirement = continuing?.kind === 'task' ? ofTask(rpc, rule, rules) : rule.requirement
    const answers = continuing?.continued?.question?.answers
    const authorization = await resource.authorize(message, requirement, callOf(message, rpc, answers))
    if (!authorization.ok) return authorization.response
    const response = await answerAuthorized(message, { rpc, continuing, authorization }, endpoint)
    resource.responseHeaders(response, requirement, message)
    const { whileOpen } = authorization
    return whileOpen === undefined ? response : revocableResponse(response, whileOpen)
  } catch (thrown) {
    const error = asAAuthError(thrown)
    resource.refused(message, error)
    const response = rpcErrorOf(error, message) ?? errorResponse(error, { now })
    // The guard makes its own refusals above. An error here may come from the server, which may have acted on the request:
    // Agent-Auth would tell the agent that it did not.
    if (response.status === 503) response.headers.delete('agent-auth')
    resource.cors?.expose(message, response.headers)
    return response
  }
}

/**
 * What a request about a task needs: what the tool needs, but for the approval of a call. The call has been approved; more input for it
 * has not.
 */
function ofTask<S extends string>({ request }: McpMessage, rule: Rule<S>, rules: RuleBook<S>): Requirement<S> {
  const isMore = request?.method === 'tasks/update' && rule.requirement.approve === true
  return isMore ? rules.closed.requirement : (rule.ofTask ?? rule.requirement)
}

/** There are no sessions to end, and no streams but those of requests. */
function refuseMethod<S extends string>(message: ReceivedMessage, { resource, now }: Endpoint<S>): Response {
  const error = refusal('method_not_allowed')
  resource.refused(message, error)
  return errorResponse(error, { now, headers: [['allow', 'POST']] })
}

async function answerAuthorized<S extends string>(
  message: ReceivedMessage,
  { rpc, continuing, authorization }: Authorized,
  endpoint: Endpoint<S>,
): Promise<Response> {
  const { aauth, answer, whileOpen } = authorization
  // No handler gets the owner of a request that is only observed.
  const owner = await ownerOf(authorization.seen ?? aauth, message)
  const leave = await admitCaller(message, { rpc, continuing, authorization, owner }, endpoint)
  if (leave instanceof Response) return leave
  try {
    const exchange = endpoint.exchanges.begin({ rpc, authorization, owner, continuing })
    const value = messageForServer(rpc, continuing)
    const response = await passToServer(message, { rpc, value, authInfo: exchange.authInfo }, endpoint)
    // A subscription has no handler that calls, and may have nothing to say for long.
    const isHeld = endpoint.holds && rpc.request?.method !== 'subscriptions/listen'
    const replacement = isHeld ? await replacementOf(response, exchange) : undefined
    if (replacement !== undefined) {
      response.body?.cancel().catch(() => undefined)
      return replacement
    }
    const { streamSeconds, now } = endpoint
    const limited = withKnownText(response, exchange) ?? limitStream(response, aauth, { streamSeconds, now, leave })
    if (answer === undefined) return limited
    return await showMessage(whileOpen === undefined ? limited : revocableResponse(limited, whileOpen), rpc, answer)
  } finally {
    // `limitStream` has taken it over where there is a stream.
    if (!leave.isTaken) leave.now()
  }
}

/** The response that replaces the server's; undefined when the server sends a message first, or after {@link holdSeconds}. */
async function replacementOf(response: Response, { begun, rpc }: Exchange): Promise<Response | undefined> {
  if (rpc.request === undefined || response.status !== 200) return undefined
  const hold = new AbortController()
  try {
    return await Promise.race([begun, sleep(holdSeconds * 1000, undefined, { signal: hold.signal })])
  } finally {
    hold.abort()
  }
}

/**
 * The same response, with its body known, so that it need not be read from a stream to be sent.
 * @returns undefined for what is not one answer
 */
function withKnownText(response: Response, { answered }: Exchange): Response | undefined {
  if (answered === undefined || response.headers.get('content-type') !== 'application/json') return undefined
  return rememberText(response, JSON.stringify(answered))
}

interface StreamEnd {
  readonly streamSeconds: number
  readonly now: () => number
  readonly leave: Leave
}

/** Ends a stream with the token of the request that opened it. */
function limitStream(response: Response, { expires }: Guarded, { streamSeconds, now, leave }: StreamEnd): Response {
  const { status, headers, body } = response
  if (body === null || !isEventStream(response)) return response
  leave.isTaken = true
  const seconds = Math.min((expires ?? Number.POSITIVE_INFINITY) - now(), streamSeconds)
  return new Response(watchedBody(body, { seconds, ended: leave.now }), { status, headers: new Headers(headers) })
}
