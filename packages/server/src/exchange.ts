import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ReceivedMessage, readBody } from '@countersign/httpsig'
import { checkTarget } from '@countersign/httpsig/internal'
import { connectionOfNode, type NodeConnection } from '@countersign/httpsig/internal/node'
import { receiveNode } from '@countersign/httpsig/node'
import { type AAuthError, type Cors, errorResponse, type LogLimit } from '@countersign/protocol'
import { asAAuthError, errorFields, refusal } from '@countersign/protocol/internal'
import { discardRest } from './discard-rest.js'
import type { Health } from './health.js'
import type { Logger } from './log.js'
import { answerOf, isUpgraded, type Participant, type Relayed, type Upgraded } from './participant.js'
import { requestId } from './request-id.js'
import {
  isStream,
  type ObservedExchange,
  type TracedExchange,
  tracedBody,
  tracedEvents,
  tracedExchange,
} from './trace.js'
import { writeRelayed } from './write-relayed.js'
import { isSent, type Writing, writeResponse } from './write-response.js'

/** Whether a response has gone out as a whole. Newer versions of Node call it finished only in a later turn. */
function isWhole(to: ServerResponse): boolean {
  return to.writableFinished || (to.writableEnded && !to.destroyed && isSent(to))
}

/** The settings and state that all exchanges of a server share. An exchange is one request and its response. */
export interface ExchangeContext {
  readonly id: string
  readonly name: string
  readonly participant: Participant
  readonly health: Health
  readonly cors?: Cors | undefined
  readonly bodyLimit: number
  readonly headerLines: number
  /** Seconds that a peer may stop reading the response. */
  readonly stall: number
  readonly log: Logger
  /** Whether requests that are answered without an error are logged. */
  readonly accessLog: boolean
  /** Bounds the log lines that strangers can cause. */
  readonly limit: LogLimit
  readonly trace?: ((exchange: TracedExchange) => void) | undefined
  readonly draining: () => boolean
  readonly now: () => number
}

interface Answer {
  /** For a connection that switches to another protocol: the other connection that it is joined to. */
  readonly response: Response | Relayed | Upgraded
  readonly message?: ReceivedMessage | undefined
  /** The error, when the answer is an error response. */
  readonly error?: AAuthError | undefined
  /** A health response: not logged at `info`, and without CORS headers. */
  readonly quiet?: true
}

/** Handles a request to switch to another protocol. */
export interface Switching {
  ask(message: ReceivedMessage): Promise<Response | Relayed | Upgraded>
  join(upgraded: Upgraded, requestId: string): void
}

/** A request, and where its response goes. */
export interface Pair {
  readonly from: IncomingMessage
  readonly to: ServerResponse
  readonly switching?: Switching | undefined
}

/** Answers one request, from its header lines to the last byte of the response. Never throws. */
export async function exchange(context: ExchangeContext, pair: Pair): Promise<void> {
  const { from, to, switching } = pair
  const at = context.now()
  const started = performance.now()
  const id = requestId(from.headers['x-request-id'])
  const peer = from.socket.remoteAddress
  const connection = connectionOfNode(from, to)
  const answer = readable(await decide(context, pair, { id, connection }), context, from)
  let failure: unknown
  try {
    if (isUpgraded(answer.response)) {
      switching?.join(answer.response, id)
      return record(context, { id, peer, from, answer, failure, started, cut: false })
    }
    // A pipelined response would wait for its turn.
    if (connection.isGone) to.destroy()
    if (!from.complete) await discardRest(from)
    const own: Array<[string, string]> = [['x-request-id', id]]
    if (context.draining() || !from.complete) own.push(['connection', 'close'])
    await send(context, pair, { at, message: answer.message, response: answer.response, own })
  } catch (error) {
    failure = error
    to.destroy()
  }
  record(context, { id, peer, from, answer, failure, started, cut: !isWhole(to) })
}

/** Adds the CORS headers that let pages read the response; not to health responses. */
function readable(answer: Answer, { cors }: ExchangeContext, from: IncomingMessage): Answer {
  if (cors === undefined || answer.quiet) return answer
  const origin = from.headers.origin
  const headers: Array<[string, string]> = origin === undefined ? [] : [['origin', origin]]
  const { response } = answer
  if (isUpgraded(response)) return answer
  if (!(response instanceof Response)) {
    cors.expose({ method: from.method ?? '', headers }, response.headers)
    return answer
  }
  // A copy: the headers of a response that comes from fetch() are immutable.
  const copy = new Response(response.body, response)
  cors.expose({ method: from.method ?? '', headers }, copy.headers)
  return { ...answer, response: copy }
}

interface Named {
  readonly id: string
  readonly connection: NodeConnection
}

async function decide(
  context: ExchangeContext,
  { from, to, switching }: Pair,
  { id: requestId, connection }: Named,
): Promise<Answer> {
  let message: ReceivedMessage | undefined
  let arrived = false
  try {
    checkHeaderLines(from, context.headerLines)
    const healthy = context.health.answer(from.method ?? '', from.url ?? '')
    if (healthy !== undefined) return { response: await healthy, quiet: true }
    const { bodyLimit } = context
    message = { ...(await receiveNode(from, { bodyLimit, requestId, onRead: continuing(from, to) })), connection }
    checkTarget(message)
    const preflight = context.cors?.preflight(message)
    if (preflight !== undefined) return { response: preflight, message }
    arrived = true
    return { response: await (switching?.ask(message) ?? answerOf(context.participant, message)), message }
  } catch (thrown) {
    // Nobody reads the answer, and a handler that was aborted has not failed.
    if (connection.isGone) return { response: new Response(null, { status: callerGone }), message }
    const error = asAAuthError(thrown)
    if (!arrived) tellRefused(context, requestId, error)
    return { response: errorResponse(error, { now: context.now }), error, message }
  }
}

/** What the log has for a request whose caller has gone before there was an answer. No HTTP status: nobody gets it. */
const callerGone = 499

const expectsContinue = /(?:^|\W)100-continue(?:$|\W)/i

/** Sends 100 Continue to a caller that waits for it once its body is read: not to one whose head is refused. */
function continuing(from: IncomingMessage, to: ServerResponse): () => void {
  return () => {
    // A caller that did not wait may have its response already.
    if (expectsContinue.test(from.headers.expect ?? '') && !to.headersSent) to.writeContinue()
  }
}

/** Tells the participant of a request that the server refused, so that its events are complete. */
function tellRefused({ participant, log }: ExchangeContext, requestId: string, error: AAuthError): void {
  try {
    participant.refused?.({ requestId }, error)
  } catch (failure) {
    log.warn({ error: errorFields(failure) }, 'telling of a refusal failed')
  }
}

/** Requires exactly one Host line: of two, Node keeps the first, and a layer behind it may read the second (request smuggling). */
function checkHeaderLines(from: IncomingMessage, limit: number): void {
  const lines = from.rawHeaders.length / 2
  if (lines > limit) throw refusal('header_lines_too_many')
  let hosts = 0
  for (let index = 0; index < from.rawHeaders.length; index += 2) {
    if (from.rawHeaders[index]?.toLowerCase() === 'host') hosts++
  }
  if (hosts !== 1) throw refusal('authority_ambiguous')
}

interface Sending {
  /** When the request arrived, in Unix seconds. */
  readonly at: number
  /** Undefined for a request that could not be read. */
  readonly message: ReceivedMessage | undefined
  readonly response: Response | Relayed
  /** Header lines of the server itself. */
  readonly own: ReadonlyArray<readonly [name: string, value: string]>
}

function send(context: ExchangeContext, pair: Pair, sending: Sending): Promise<void> {
  const { message, response, own } = sending
  const options = { stall: context.stall, own }
  if (context.trace === undefined || message === undefined) return write(response, pair.to, options)
  return sendTraced(context, pair, { ...sending, message, options })
}

async function sendTraced(
  context: ExchangeContext,
  { from, to }: Pair,
  { at, message, response, options }: Sending & { readonly message: ReceivedMessage; readonly options: Writing },
): Promise<void> {
  const peerPort = from.socket.remotePort
  // Read by now, or nobody has: then it was dropped.
  const whole = from.complete ? await readBody(message).catch(() => message) : message
  const goesOn = isStream(response)
  const body = goesOn ? tracedEvents() : tracedBody()
  // An event stream may not end for long: its beginning is traced after a moment.
  const early = goesOn ? setTimeout(() => report(`${body.text()}[stream]`), streamPatience) : undefined
  let isTold = false
  const report = (text: string): void => {
    if (!isTold) trace(context, { at, message: whole, peerPort, response, responseBody: text })
    isTold = true
  }
  try {
    await write(response, to, { ...options, observe: body.add })
  } finally {
    clearTimeout(early)
    report(body.text())
  }
}

function write(response: Response | Relayed, to: ServerResponse, options: Writing): Promise<void> {
  return response instanceof Response ? writeResponse(response, to, options) : writeRelayed(response, to, options)
}

/** Milliseconds after which a stream that has not ended is traced as far as it has come. */
const streamPatience = 250

/** Calls the trace function; an error that it throws must not break the response. */
function trace(context: ExchangeContext, observed: ObservedExchange): void {
  try {
    context.trace?.(tracedExchange(context, observed))
  } catch (error) {
    context.log.warn({ error: errorFields(error) }, 'trace failed')
  }
}

interface Finished {
  readonly id: string
  readonly peer: string | undefined
  readonly from: IncomingMessage
  readonly answer: Answer
  readonly failure: unknown
  readonly started: number
  readonly cut: boolean
}

function record(context: ExchangeContext, done: Finished): void {
  const { id, from, answer, failure } = done
  const status = isUpgraded(answer.response) ? 101 : answer.response.status
  const isFine = answer.error === undefined && failure === undefined && status < 400
  if (isFine && !context.accessLog && !answer.quiet) {
    context.limit.turn()
    return
  }
  const fields = {
    request_id: id,
    method: from.method,
    // Without the query, which may contain codes and states.
    path: (from.url ?? '').split('?', 1)[0]?.slice(0, 256),
    status,
    ms: Math.round((performance.now() - done.started) * 10) / 10,
    peer: done.peer,
    ...(answer.error !== undefined && { error: answer.error.code, reason: answer.error.reason }),
    ...(done.cut && { cut: true }),
  }
  const { error } = answer
  const { log, limit } = context
  if (error !== undefined && error.status >= 500) {
    const level = error.status === 500 ? 'error' : 'warn'
    limit.write(`request ${error.status}`, () =>
      log[level]({ ...fields, cause: errorFields(error.cause) }, 'request failed'),
    )
  } else if (failure !== undefined) {
    limit.write('response failed', () => log.error({ ...fields, cause: errorFields(failure) }, 'response failed'))
  } else if (answer.quiet) log.debug(fields, 'request')
  else if (status >= 400) limit.write(`request ${status}`, () => log.info(fields, 'request'))
  else {
    limit.turn()
    log.info(fields, 'request')
  }
}
