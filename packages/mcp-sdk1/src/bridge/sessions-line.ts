import {
  cancelledId,
  isAnswer,
  isNotification,
  isRequest,
  type Lost,
  type RequestId,
  type RpcMessage,
  type RpcRequest,
} from '@countersign/mcp/internal/client'
import { openQuestions, type Questions } from './questions.js'
import { type RemoteSessions, remoteSessions, type Session } from './remote-sessions.js'
import type { Line, LineOptions } from './transport.js'
import { isLost, unanswered, undelivered } from './undelivered.js'

/** A request of the client that waits for its answer. */
interface Waiting {
  session: Session | undefined
  /** The event after which its stream can be resumed. */
  lastEventId: string | undefined
  readonly answered: Promise<void>
  readonly settle: () => void
}

interface Context extends Pick<LineOptions, 'toClient' | 'links' | 'onError' | 'renewed'> {
  readonly sessions: RemoteSessions
  readonly requests: Map<RequestId, Waiting>
  readonly questions: Questions<Session>
  /** Resolves when the messages before are sent: they keep their order. */
  turn: Promise<void>
  isClosing: boolean
}

/**
 * Passes the messages of a client to a server of revision 2025-11-25 or before, and back, unchanged and in order. A request that cannot
 * be delivered is answered with a JSON-RPC error that says why. When the server has ended the session, the line opens a new one.
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
 */
export function sessionsLine({ connect, links, toClient, renewed, closed, onError }: LineOptions): Line {
  const sessions = remoteSessions({
    connect,
    onError,
    received: (message, session) => fromRemote(message, session, context),
    replaced: session => endReplaced(session, context),
    lost: lost => awaitAnswer(lost, context),
    closed,
  })
  // bound: requests of the client that are under way; grown by the program
  const context: Context = {
    toClient,
    links,
    onError,
    renewed,
    sessions,
    requests: new Map(),
    questions: openQuestions(),
    turn: Promise.resolve(),
    isClosing: false,
  }
  return {
    start: () => sessions.start(),
    fromClient: message => fromClient(message, context),
    async close() {
      context.isClosing = true
      for (const id of context.requests.keys()) toClient(undelivered(id, unanswered()))
      context.requests.clear()
      await sessions.close()
    },
  }
}

function fromClient(received: RpcMessage, context: Context): void {
  const message = isAnswer(received) ? context.questions.answer(received, context.sessions.current) : received
  if (message === undefined) return
  if (isRequest(message)) beginRequest(message, context)
  else if (isNotification(message)) forgetCancelled(message, context)
  context.turn = context.turn.then(() => deliver(message, context))
}

function beginRequest(request: RpcRequest, context: Context): void {
  let settle: () => void = () => undefined
  const answered = new Promise<void>(resolve => {
    settle = resolve
  })
  context.requests.set(request.id, { session: undefined, lastEventId: undefined, answered, settle })
}

function forgetCancelled(message: RpcMessage, context: Context): void {
  const id = cancelledId(message)
  if (id !== undefined) settle(id, context)
}

/** Resolves when the next message may be sent. */
async function deliver(message: RpcMessage, context: Context): Promise<void> {
  if (context.isClosing) return
  if (!isRequest(message)) return context.sessions.send(message).catch(context.onError)
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

function fromRemote(message: RpcMessage, session: Session, context: Context): void {
  const passed = toClient(message, session, context)
  if (passed !== undefined) context.toClient(passed)
}

/** The message for the client; undefined when the client gets none. */
function toClient(message: RpcMessage, session: Session, context: Context): RpcMessage | undefined {
  const { questions, sessions } = context
  if (isAnswer(message)) {
    if (message.id === undefined) return message
    return settle(message.id, context) ? message : undefined
  }
  if (isRequest(message)) return session === sessions.current ? questions.ask(message, session) : undefined
  return isNotification(message) && message.method === 'notifications/cancelled'
    ? questions.withdraw(message, session)
    : message
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
  if (settle(id, context) && !context.isClosing) context.toClient(undelivered(id, error, context.links))
}

/** Fails lost requests after a short wait: an answer in the last bytes of a stream may still be in the parser. */
function awaitAnswer(lost: Lost, context: Context): void {
  setTimeout(() => {
    for (const [id, { lastEventId }] of context.requests)
      if (isLost(lost, id, lastEventId)) fail(id, lost.cause ?? unanswered(), context)
  }, 100)
}

/** Withdraws the questions of a replaced session; it may still answer requests of the client. */
function endReplaced(session: Session, context: Context): void {
  for (const notification of context.questions.endSession(session)) context.toClient(notification)
  closeIfIdle(session, context)
  context.renewed?.()
}

function closeIfIdle(session: Session | undefined, { sessions, requests, onError }: Context): void {
  if (session === undefined || session === sessions.current) return
  if ([...requests.values()].every(waiting => waiting.session !== session)) session.transport.close().catch(onError)
}
