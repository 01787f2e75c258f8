import { randomText } from '@countersign/httpsig/internal'
import {
  type Answer,
  isAnswer,
  isFailure,
  isRequest,
  isResult,
  type Lost,
  type RpcMessage,
  type RpcRequest,
} from '@countersign/mcp/internal/client'
import { isObject } from '@countersign/protocol/internal'
import type { Connect, RemoteTransport, SendOptions } from './transport.js'
import { statusOf, unanswered } from './undelivered.js'

/** One session at the server. */
export interface Session {
  readonly transport: RemoteTransport
}

/** The callbacks of the bridge. */
export interface RemoteSessionsOptions {
  readonly connect: Connect
  readonly received: (message: RpcMessage, session: Session) => void
  /** Called with a session that another one has replaced. */
  readonly replaced: (session: Session) => void
  readonly lost: (lost: Lost) => void
  readonly closed: () => void
  readonly onError: (error: Error) => void
}

/** The options of sending a message. */
export interface Sending extends SendOptions {
  /** Called with the session that the message is sent in. */
  readonly via?: (session: Session) => void
}

/** The session at the server; when the server has ended it, a new one replaces it. */
export interface RemoteSessions {
  readonly current: Session | undefined
  start(): Promise<void>
  /**
   * Sends a message. When the server answers that the session has ended, it has not acted on the message: a request is sent once
   * more in a new session; other messages are dropped.
   */
  send(message: RpcMessage, sending?: Sending): Promise<void>
  close(): Promise<void>
}

interface Greeting {
  readonly request: RpcRequest
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

interface State {
  readonly open: Set<Session>
  readonly greetings: Map<Session, Greeting>
  current: Session | undefined
  /** The client's own `initialize`, for sessions to come. */
  hello: RpcRequest | undefined
  /** Undefined until the server has answered it. */
  protocolVersion: string | undefined
  renewing: Promise<void> | undefined
}

export function remoteSessions(options: RemoteSessionsOptions): RemoteSessions {
  const state: State = {
    // bound: the session and the one that takes its place; grown by the program
    open: new Set(),
    // bound: the session and the one that takes its place; grown by the program
    greetings: new Map(),
    current: undefined,
    hello: undefined,
    protocolVersion: undefined,
    renewing: undefined,
  }

  function renewOnce(old: Session): Promise<void> {
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
      state.current = await openSession(state, options)
    },
    async send(message, { via, ...sending } = {}) {
      await state.renewing
      const session = currentOf(state)
      if (isRequest(message) && message.method === 'initialize') state.hello = message
      via?.(session)
      try {
        await session.transport.send(message, sending)
      } catch (error) {
        if (state.protocolVersion === undefined || !(await hasEnded(error, session))) throw error
        await renewOnce(session)
        if (!isRequest(message)) return
        const next = currentOf(state)
        via?.(next)
        await next.transport.send(message, sending)
      }
    },
    async close() {
      await terminate(state.current).catch(options.onError)
      const all = [...state.open]
      state.open.clear()
      for (const greeting of state.greetings.values()) greeting.reject(unanswered())
      await Promise.all(all.map(({ transport }) => transport.close().catch(options.onError)))
    },
  }
}

/** Ends the session at the server; a server that does not answer does not delay the end of the bridge. */
async function terminate(session: Session | undefined): Promise<void> {
  if (session?.transport.terminateSession === undefined) return
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, 1_500)
  })
  await Promise.race([session.transport.terminateSession(), late]).finally(() => clearTimeout(timer))
}

function currentOf({ current }: State): Session {
  if (current === undefined) throw new Error('the bridge has not started')
  return current
}

/** Whether the error means that the server has ended the session: 404 says so. */
async function hasEnded(error: unknown, { transport }: Session): Promise<boolean> {
  if (transport.sessionId === undefined) return false
  if (statusOf(error) !== 400) return statusOf(error) === 404
  // Many servers answer 400 instead; a session that exists accepts a ping.
  const ping = { jsonrpc: '2.0', id: `countersign-${randomText()}`, method: 'ping' } as const
  const answer = await transport.send(ping).catch(statusOf)
  return answer === 400 || answer === 404
}

async function openSession(state: State, options: RemoteSessionsOptions): Promise<Session> {
  const greeting = (): Greeting | undefined => state.greetings.get(session)
  const transport = options.connect(lost => {
    if ('id' in lost && lost.id === greeting()?.request.id) greeting()?.reject(lost.cause ?? unanswered())
    else options.lost(lost)
  })
  const session: Session = { transport }
  state.open.add(session)
  transport.onmessage = message => receive(message, session, { state, options })
  transport.onerror = options.onError
  transport.onclose = () => {
    // The end of a replaced session does not end the bridge.
    if (state.open.delete(session) && session === state.current) options.closed()
  }
  await transport.start()
  return session
}

function receive(
  message: RpcMessage,
  session: Session,
  { state, options }: { readonly state: State; readonly options: RemoteSessionsOptions },
): void {
  if (isAnswer(message)) {
    const greeting = state.greetings.get(session)
    if (greeting !== undefined && greeting.request.id === message.id) {
      greeting.resolve(message)
      return
    }
    const isFirst = state.protocolVersion === undefined && message.id === state.hello?.id
    if (isFirst && isResult(message)) {
      state.protocolVersion = versionOf(message)
      session.transport.setProtocolVersion?.(state.protocolVersion)
    }
  }
  options.received(message, session)
}

function versionOf({ result }: { readonly result: unknown }): string {
  return isObject(result) ? String(result['protocolVersion']) : ''
}

/** Opens a new session with the `initialize` of the client. */
async function renew(state: State, options: RemoteSessionsOptions): Promise<void> {
  const old = currentOf(state)
  const session = await openSession(state, options)
  try {
    const { protocolVersion } = await initialize(session, state)
    // The client has negotiated its version with the old session and cannot change it.
    if (protocolVersion !== state.protocolVersion)
      throw new Error('the session has ended, and the server opens no new one with the same protocol version')
    session.transport.setProtocolVersion?.(protocolVersion)
    await session.transport.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  } catch (error) {
    await session.transport.close().catch(options.onError)
    throw error
  }
  state.current = session
  options.replaced(old)
}

async function initialize(session: Session, state: State): Promise<{ readonly protocolVersion: string }> {
  const { hello } = state
  if (hello === undefined) throw new Error('the client has not initialized')
  // A fresh id: another request of the client may have the old one.
  const request = { ...hello, id: `countersign-${randomText()}` }
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      state.greetings.set(session, { request, resolve, reject })
      session.transport.send(request).catch(reject)
    })
    if (isFailure(answer))
      throw new Error('the session has ended, and the server opens no new one', { cause: answer.error })
    return { protocolVersion: versionOf(answer) }
  } finally {
    state.greetings.delete(session)
  }
}
