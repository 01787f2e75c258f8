import { checkOptions } from '@countersign/protocol'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CancelledNotificationSchema,
  type ClientCapabilities,
  type ElicitRequestURLParams,
  type ElicitResult,
  ElicitResultSchema,
  InitializeRequestSchema,
  isInitializedNotification,
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js'
import type { ElicitingClient } from '../elicitation/eliciting-client.js'
import type { Lost } from '../transport/agent-fetch.js'
import { type Answer, cancelled, openQuestions, type Questions } from './questions.js'
import { type RemoteSessions, type RemoteTransport, remoteSessions, type Session } from './remote-sessions.js'
import { unanswered, undelivered } from './undelivered.js'

export type { RemoteTransport } from './remote-sessions.js'

/** The two sides. */
export interface BridgeOptions {
  /** To the client, such as a `StdioServerTransport`; the bridge starts it. */
  readonly local: Transport
  /**
   * A transport to the server, made anew for each session: `onLost => agentTransport(url, agent, { onLost })`. `onLost` is
   * for transports on which an answer can get lost while they stay open.
   */
  readonly remote: (onLost: (lost: Lost) => void) => RemoteTransport
  /** Told of whatever goes wrong, also where the client is answered with an error. */
  readonly onError?: (error: Error) => void
  /**
   * Whether errors say where a user must go (default `kept`). `told` is for a client of that very user, such as one over standard
   * input and output: the link works for whoever opens it first.
   */
  readonly links?: 'told' | 'kept'
}

/** A running bridge. Its client's user can be asked, too, once the session has begun. */
export interface Bridge extends ElicitingClient {
  start(): Promise<void>
  /** Ends the session at the server, then closes both sides. */
  close(): Promise<void>
  /** Resolves once both sides are closed, whoever began. */
  readonly closed: Promise<void>
}

/** A request of the client that is not answered. */
interface Waiting {
  session: Session | undefined
  /** Where its stream can be resumed. */
  lastEventId: string | undefined
  readonly answered: Promise<void>
  readonly settle: () => void
}

interface Context {
  readonly local: Transport
  readonly links: 'told' | 'kept'
  readonly sessions: RemoteSessions
  readonly requests: Map<RequestId, Waiting>
  readonly questions: Questions<Session>
  readonly onError: (error: Error) => void
  client: ClientCapabilities | undefined
  isInitialized: boolean
  /** The message before is on its way. */
  turn: Promise<void>
  closing: Promise<void> | undefined
}

/**
 * Passes the messages of a client and a server to each other, as they are and in order. What cannot be delivered is answered
 * with a JSON-RPC error that says why; when the server has ended the session, another is begun in its place.
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
 */
export function bridge(options: BridgeOptions): Bridge {
  checkOptions(
    'bridge',
    options,
    { local: 'object', remote: 'function', onError: 'function', links: ['told', 'kept'] },
    ['local', 'remote'],
  )
  const { local, remote, onError: tell = () => undefined, links = 'kept' } = options
  const onError = (error: Error): void => {
    // What breaks off because it was ended or cancelled is no error.
    if (context.closing === undefined && error.name !== 'AbortError') tell(error)
  }
  let closed: () => void = () => undefined
  const whenClosed = new Promise<void>(resolve => {
    closed = resolve
  })
  const sessions = remoteSessions({
    ...{ connect: remote, onError },
    received: (message, session) => fromRemote(message, session, context),
    replaced: session => replaced(session, context),
    lost: lost => awaitAnswer(lost, context),
    closed: () => void close(context, closed),
  })
  const context: Context = {
    links,
    ...{ local, sessions, onError, requests: new Map(), questions: openQuestions() },
    ...{ client: undefined, isInitialized: false, turn: Promise.resolve(), closing: undefined },
  }
  return {
    async start() {
      local.onmessage = message => fromLocal(message, context)
      local.onerror = onError
      local.onclose = () => void close(context, closed)
      await sessions.start()
      await local.start()
    },
    close: () => close(context, closed),
    closed: whenClosed,
    get transport() {
      return context.closing === undefined ? local : undefined
    },
    getClientCapabilities: () => (context.isInitialized ? context.client : undefined),
    elicitInput: (params, options) => elicitInput(params, options?.signal, context),
    createElicitationCompletionNotifier: elicitationId => async () =>
      local.send({ jsonrpc: '2.0', method: 'notifications/elicitation/complete', params: { elicitationId } }),
  }
}

function fromLocal(received: JSONRPCMessage, context: Context): void {
  const message = isAnswer(received) ? context.questions.answered(received, context.sessions.current) : received
  if (message === undefined) return
  if (isJSONRPCRequest(message)) begin(message, context)
  else if (isInitializedNotification(message)) context.isInitialized = true
  else if (isJSONRPCNotification(message)) forgetCancelled(message, context)
  context.turn = context.turn.then(() => deliver(message, context))
}

function begin(request: JSONRPCRequest, context: Context): void {
  const { data } = InitializeRequestSchema.safeParse(request)
  if (data !== undefined) context.client = data.params.capabilities
  let settle: () => void = () => undefined
  const answered = new Promise<void>(resolve => {
    settle = resolve
  })
  context.requests.set(request.id, { session: undefined, lastEventId: undefined, answered, settle })
}

function forgetCancelled(message: JSONRPCMessage, context: Context): void {
  const { data } = CancelledNotificationSchema.safeParse(message)
  if (data?.params.requestId !== undefined) settled(data.params.requestId, context)
}

/** Resolves when the next message may go. */
async function deliver(message: JSONRPCMessage, context: Context): Promise<void> {
  if (context.closing !== undefined) return
  if (!isJSONRPCRequest(message)) return context.sessions.send(message).catch(context.onError)
  const waiting = context.requests.get(message.id)
  // Cancelled before its turn.
  if (waiting === undefined) return
  const via = (session: Session): void => {
    const before = waiting.session
    waiting.session = session
    closeIfIdle(before, context)
  }
  const onresumptiontoken = (lastEventId: string): void => {
    waiting.lastEventId = lastEventId
  }
  context.sessions.send(message, { via, onresumptiontoken }).catch(error => fail(message.id, error, context))
  // A server takes nothing else until it has answered this; other answers are not waited for.
  if (message.method === 'initialize') await waiting.answered
}

function fromRemote(message: JSONRPCMessage, session: Session, context: Context): void {
  const passed = toClient(message, session, context)
  if (passed !== undefined) toLocal(passed, context)
}

/** What the client gets of a message; undefined for nothing. */
function toClient(message: JSONRPCMessage, session: Session, context: Context): JSONRPCMessage | undefined {
  const { questions, sessions } = context
  if (isAnswer(message)) {
    if (message.id === undefined) return message
    return settled(message.id, context) ? message : undefined
  }
  if (isJSONRPCRequest(message)) return session === sessions.current ? questions.asked(message, session) : undefined
  return message.method === 'notifications/cancelled' ? questions.withdrawn(message, session) : message
}

function toLocal(message: JSONRPCMessage, { local, onError }: Context): void {
  local.send(message).catch(onError)
}

function isAnswer(message: JSONRPCMessage): message is Answer {
  return isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)
}

/** Whether somebody waited. */
function settled(id: RequestId, context: Context): boolean {
  const waiting = context.requests.get(id)
  if (waiting === undefined) return false
  context.requests.delete(id)
  waiting.settle()
  closeIfIdle(waiting.session, context)
  return true
}

function fail(id: RequestId, error: unknown, context: Context): void {
  if (settled(id, context) && context.closing === undefined) toLocal(undelivered(id, error, context.links), context)
}

/** An answer in the last bytes of a stream may be on its way through the parser. */
function awaitAnswer(lost: Lost, context: Context): void {
  setTimeout(() => {
    for (const [id, { lastEventId }] of context.requests)
      if ('id' in lost ? lost.id === id && lastEventId === undefined : lost.lastEventId === lastEventId)
        fail(id, unanswered(), context)
  }, 100)
}

/** Its questions need no answer; what it was asked it may still answer, where it can. */
function replaced(session: Session, context: Context): void {
  for (const notification of context.questions.ended(session)) toLocal(notification, context)
  closeIfIdle(session, context)
}

function closeIfIdle(session: Session | undefined, { sessions, requests, onError }: Context): void {
  if (session === undefined || session === sessions.current) return
  if ([...requests.values()].every(waiting => waiting.session !== session)) session.transport.close().catch(onError)
}

function close(context: Context, closed: () => void): Promise<void> {
  context.closing ??= closeBoth(context).then(closed)
  return context.closing
}

async function closeBoth(context: Context): Promise<void> {
  const { local, sessions, questions, onError } = context
  questions.close(new Error('the connection to the client has ended'))
  for (const id of context.requests.keys()) toLocal(undelivered(id, unanswered()), context)
  context.requests.clear()
  await sessions.close()
  await local.close().catch(onError)
}

/** Asks the client's user, under an id that no server can have. */
async function elicitInput(
  params: ElicitRequestURLParams,
  signal: AbortSignal | undefined,
  context: Context,
): Promise<ElicitResult> {
  const { local, questions } = context
  signal?.throwIfAborted()
  let withdraw: () => void = () => undefined
  const answer = new Promise((resolve, reject) => {
    const id = questions.own({ resolve, reject })
    withdraw = () => {
      questions.forget(id)
      toLocal(cancelled(id, undefined), context)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', withdraw, { once: true })
    local.send({ jsonrpc: '2.0', id, method: 'elicitation/create', params }).catch(reject)
  })
  try {
    return ElicitResultSchema.parse(await answer)
  } finally {
    signal?.removeEventListener('abort', withdraw)
  }
}
