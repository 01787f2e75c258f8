import { randomText } from '@countersign/httpsig'
import type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  InitializeResultSchema,
  isInitializeRequest,
  isJSONRPCErrorResponse,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
} from '@modelcontextprotocol/sdk/types.js'
import type { Lost } from '../transport/agent-fetch.js'
import type { Answer } from './questions.js'
import { unanswered } from './undelivered.js'

/** A transport to a server; `agentTransport` makes one. */
export interface RemoteTransport extends Transport {
  /** Tells the server that the session is over. */
  terminateSession?(): Promise<void>
}

/** One session at the server. */
export interface Session {
  readonly transport: RemoteTransport
}

/** Whom sessions work for. */
export interface RemoteSessionsOptions {
  readonly connect: (onLost: (lost: Lost) => void) => RemoteTransport
  readonly received: (message: JSONRPCMessage, session: Session) => void
  /** Another session has taken its place. */
  readonly replaced: (session: Session) => void
  readonly lost: (lost: Lost) => void
  readonly closed: () => void
  readonly onError: (error: Error) => void
}

/** How a message is sent. */
export interface Sending extends TransportSendOptions {
  /** Told the session that the message goes to. */
  readonly via?: (session: Session) => void
}

/** The session at the server, and the next one once the server has ended it. */
export interface RemoteSessions {
  readonly current: Session | undefined
  start(): Promise<void>
  /**
   * Sends a message. A request that is answered with the end of the session was not acted upon: it goes to a new one, once.
   * Whatever else was meant for the ended session is dropped.
   */
  send(message: JSONRPCMessage, sending?: Sending): Promise<void>
  close(): Promise<void>
}

interface Greeting {
  readonly request: JSONRPCRequest
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

interface State {
  readonly open: Set<Session>
  readonly greetings: Map<Session, Greeting>
  current: Session | undefined
  /** The client's own `initialize`, for sessions to come. */
  hello: JSONRPCRequest | undefined
  /** Undefined until the server has answered it. */
  protocolVersion: string | undefined
  renewing: Promise<void> | undefined
}

export function remoteSessions(options: RemoteSessionsOptions): RemoteSessions {
  const state: State = {
    ...{ open: new Set(), greetings: new Map() },
    ...{ current: undefined, hello: undefined, protocolVersion: undefined, renewing: undefined },
  }

  function renewed(old: Session): Promise<void> {
    if (state.current !== old) return Promise.resolve()
    const done = (): void => {
      state.renewing = undefined
    }
    state.renewing ??= renew(state, options).finally(done)
    return state.renewing
  }

  return {
    get current() {
      return state.current
    },
    async start() {
      state.current = await opened(state, options)
    },
    async send(message, { via, ...sending } = {}) {
      await state.renewing
      const session = currentOf(state)
      if (isJSONRPCRequest(message) && isInitializeRequest(message)) state.hello = message
      via?.(session)
      try {
        await session.transport.send(message, sending)
      } catch (error) {
        if (state.protocolVersion === undefined || !(await hasEnded(error, session))) throw error
        await renewed(session)
        if (!isJSONRPCRequest(message)) return
        const next = currentOf(state)
        via?.(next)
        await next.transport.send(message, sending)
      }
    },
    async close() {
      await terminated(state.current).catch(options.onError)
      const all = [...state.open]
      state.open.clear()
      for (const greeting of state.greetings.values()) greeting.reject(unanswered())
      await Promise.all(all.map(({ transport }) => transport.close().catch(options.onError)))
    },
  }
}

/** Whoever closes the bridge does not wait for a server that is away. */
async function terminated(session: Session | undefined): Promise<void> {
  if (session?.transport.terminateSession === undefined) return
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, 1_500)
  })
  await Promise.race([session.transport.terminateSession(), late]).finally(() => clearTimeout(timer))
}

function currentOf({ current }: State): Session {
  if (current === undefined) throw new Error('the connection has not begun')
  return current
}

/** A session that the server knows no more, which is what 404 says to its id. */
async function hasEnded(error: unknown, { transport }: Session): Promise<boolean> {
  if (transport.sessionId === undefined) return false
  if (statusOf(error) !== 400) return statusOf(error) === 404
  // Many servers say 400 instead. A session that they know takes a ping, whose answer nobody waits for.
  const ping = { jsonrpc: '2.0', id: `countersign-${randomText()}`, method: 'ping' } as const
  const answer = await transport.send(ping).catch(statusOf)
  return answer === 400 || answer === 404
}

function statusOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code
}

async function opened(state: State, options: RemoteSessionsOptions): Promise<Session> {
  const greeting = (): Greeting | undefined => state.greetings.get(session)
  const transport = options.connect(lost => {
    if ('id' in lost && lost.id === greeting()?.request.id) greeting()?.reject(unanswered())
    else options.lost(lost)
  })
  const session: Session = { transport }
  state.open.add(session)
  transport.onmessage = message => received(message, session, { state, options })
  transport.onerror = options.onError
  transport.onclose = () => {
    // Of a session that was replaced nobody needs to know.
    if (state.open.delete(session) && session === state.current) options.closed()
  }
  await transport.start()
  return session
}

function received(
  message: JSONRPCMessage,
  session: Session,
  { state, options }: { readonly state: State; readonly options: RemoteSessionsOptions },
): void {
  if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) {
    const greeting = state.greetings.get(session)
    if (greeting !== undefined && greeting.request.id === message.id) {
      greeting.resolve(message)
      return
    }
    const isFirst = state.protocolVersion === undefined && message.id === state.hello?.id
    if (isFirst && isJSONRPCResultResponse(message)) {
      state.protocolVersion = versionOf(message)
      session.transport.setProtocolVersion?.(state.protocolVersion)
    }
  }
  options.received(message, session)
}

function versionOf({ result }: { readonly result: unknown }): string {
  return String((result as { readonly protocolVersion?: unknown }).protocolVersion)
}

/** Begins a session as the client began the first. */
async function renew(state: State, options: RemoteSessionsOptions): Promise<void> {
  const old = currentOf(state)
  const session = await opened(state, options)
  try {
    const { protocolVersion } = await greeted(session, state)
    // The client cannot be told that something else was agreed.
    if (protocolVersion !== state.protocolVersion)
      throw new Error('the session has ended, and the server begins none of the same protocol version')
    session.transport.setProtocolVersion?.(protocolVersion)
    await session.transport.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  } catch (error) {
    await session.transport.close().catch(options.onError)
    throw error
  }
  state.current = session
  options.replaced(old)
}

async function greeted(session: Session, state: State): Promise<{ readonly protocolVersion: string }> {
  const { hello } = state
  if (hello === undefined) throw new Error('the client has not begun')
  // Not the client's id: another request may have it by now.
  const request = { ...hello, id: `countersign-${randomText()}` }
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      state.greetings.set(session, { request, resolve, reject })
      session.transport.send(request).catch(reject)
    })
    if (isJSONRPCErrorResponse(answer))
      throw new Error('the session has ended, and the server begins no other', { cause: answer.error })
    return InitializeResultSchema.parse(answer.result)
  } finally {
    state.greetings.delete(session)
  }
}
