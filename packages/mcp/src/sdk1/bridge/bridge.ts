import { checkOptions } from '@countersign/protocol/internal'
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
import type { ElicitingClient } from '../../elicitation/eliciting-client.js'
import type { Lost } from '../../transport/agent-fetch.js'
import { type Answer, cancelled, openQuestions, type Questions } from './questions.js'
import { type RemoteSessions, type RemoteTransport, remoteSessions, type Session } from './remote-sessions.js'
import { unanswered, undelivered } from './undelivered.js'

export type { RemoteTransport } from './remote-sessions.js'

/** The options of `bridge`. */
export interface BridgeOptions {
  /** The transport to the client, such as a `StdioServerTransport`; the bridge starts it. */
  readonly local: Transport
  /**
   * Creates a transport to the server, for each session: `onLost => agentTransport(url, agent, { onLost })`. `onLost` is for
   * transports that can lose an answer and stay open.
   */
  readonly remote: (onLost: (lost: Lost) => void) => RemoteTransport
  /** Called with every error, also when the client gets an error answer. */
  readonly onError?: (error: Error) => void
  /**
   * Whether errors hold the URL that a user must open (default `kept`: they do not). Use `told` only when the client belongs to that
   * user, e.g. over standard input and output: the link works for anyone who opens it first.
   */
  readonly links?: 'told' | 'kept'
}

/** A running bridge. It can ask the user of its client once the session has begun. */
export interface Bridge extends ElicitingClient {
  start(): Promise<void>
  /** Ends the session at the server, then closes both sides. */
  close(): Promise<void>
  /** Resolves when both sides are closed. */
  readonly closed: Promise<void>
}

/** A request of the client that waits for its answer. */
interface Waiting {
  session: Session | undefined
  /** The event after which its stream can be resumed. */
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
  /** Resolves when the messages before are sent: they keep their order. */
  turn: Promise<void>
  closing: Promise<void> | undefined
}

/**
 * Passes the messages of a client and a server to each other, unchanged and in order. A request that cannot be delivered is answered
 * with a JSON-RPC error that says why. When the server has ended the session, the bridge opens a new one.
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
    // Requests that break off because of the end or a cancellation are not errors.
    if (context.closing === undefined && error.name !== 'AbortError') tell(error)
  }
  let closed: () => void = () => undefined
  const whenClosed = new Promise<void>(resolve => {
    closed = resolve
  })
  const sessions = remoteSessions({
    connect: remote,
    onError,
    received: (message, session) => fromRemote(message, session, context),
    replaced: session => endReplaced(session, context),
    lost: lost => awaitAnswer(lost, context),
    closed: () => void close(context, closed),
  })
  const context: Context = {
    local,
    links,
    sessions,
    requests: new Map(),
    questions: openQuestions(),
    onError,
    client: undefined,
    isInitialized: false,
    turn: Promise.resolve(),
    closing: undefined,
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
  const message = isAnswer(received) ? context.questions.answer(received, context.sessions.current) : received
  if (message === undefined) return
  if (isJSONRPCRequest(message)) beginRequest(message, context)
  else if (isInitializedNotification(message)) context.isInitialized = true
  else if (isJSONRPCNotification(message)) forgetCancelled(message, context)
  context.turn = context.turn.then(() => deliver(message, context))
}

function beginRequest(request: JSONRPCRequest, context: Context): void {
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
  if (data?.params.requestId !== undefined) settle(data.params.requestId, context)
}

/** Resolves when the next message may be sent. */
async function deliver(message: JSONRPCMessage, context: Context): Promise<void> {
  if (context.closing !== undefined) return
  if (!isJSONRPCRequest(message)) return context.sessions.send(message).catch(context.onError)
  const waiting = context.requests.get(message.id)
  // The request was cancelled before its turn.
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
  // A server accepts no other message before it has answered initialize.
  if (message.method === 'initialize') await waiting.answered
}

function fromRemote(message: JSONRPCMessage, session: Session, context: Context): void {
  const passed = toClient(message, session, context)
  if (passed !== undefined) toLocal(passed, context)
}

/** The message for the client; undefined when the client gets none. */
function toClient(message: JSONRPCMessage, session: Session, context: Context): JSONRPCMessage | undefined {
  const { questions, sessions } = context
  if (isAnswer(message)) {
    if (message.id === undefined) return message
    return settle(message.id, context) ? message : undefined
  }
  if (isJSONRPCRequest(message)) return session === sessions.current ? questions.ask(message, session) : undefined
  return message.method === 'notifications/cancelled' ? questions.withdraw(message, session) : message
}

function toLocal(message: JSONRPCMessage, { local, onError }: Context): void {
  local.send(message).catch(onError)
}

function isAnswer(message: JSONRPCMessage): message is Answer {
  return isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)
}

/** Ends the wait for an answer. @returns whether the client was waiting for it */
function settle(id: RequestId, context: Context): boolean {
  const waiting = context.requests.get(id)
  if (waiting === undefined) return false
  context.requests.delete(id)
  waiting.settle()
  closeIfIdle(waiting.session, context)
  return true
}

function fail(id: RequestId, error: unknown, context: Context): void {
  if (settle(id, context) && context.closing === undefined) toLocal(undelivered(id, error, context.links), context)
}

/** Fails lost requests after a short wait: an answer in the last bytes of a stream may still be in the parser. */
function awaitAnswer(lost: Lost, context: Context): void {
  setTimeout(() => {
    for (const [id, { lastEventId }] of context.requests)
      if ('id' in lost ? lost.id === id && lastEventId === undefined : lost.lastEventId === lastEventId)
        fail(id, unanswered(), context)
  }, 100)
}

/** Withdraws the questions of a replaced session; it may still answer requests of the client. */
function endReplaced(session: Session, context: Context): void {
  for (const notification of context.questions.endSession(session)) toLocal(notification, context)
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
    const id = questions.askOwn({ resolve, reject })
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
