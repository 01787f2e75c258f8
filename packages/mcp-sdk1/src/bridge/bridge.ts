import { setTimeout as timer } from 'node:timers/promises'
import {
  type ElicitingClient,
  isRequest,
  type Lost,
  type RpcMessage,
  type RpcRequest,
  type UrlQuestion,
  type UserAnswer,
} from '@countersign/mcp/internal/client'
import { checkOptions, isObject, type OptionChecks } from '@countersign/protocol/internal'
import { asNewClient } from './as-new-client.js'
import { asOldClient } from './as-old-client.js'
import type { ClientPort } from './client-port.js'
import { commonCapabilities, type Envelope, envelopeOf } from './envelope.js'
import { findRevision, type Patience } from './find-revision.js'
import { newClient } from './new-client.js'
import { oldClient } from './old-client.js'
import { sessionsLine } from './sessions-line.js'
import { statelessLine } from './stateless-line.js'
import type { Adapter, BridgeTransport, Line, LineOptions, Links, RemoteTransport } from './transport.js'
import { undelivered } from './undelivered.js'

/** The options of `bridge`. */
export interface BridgeOptions {
  /** The transport to the client, such as a `StdioServerTransport`; the bridge starts it. */
  readonly local: BridgeTransport
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
  /**
   * Seconds in which the server must answer which revision it speaks, at most 3600 (default 60); after them the client's requests
   * fail, and the next one tries again.
   */
  readonly discoverySeconds?: number
  /**
   * Whether the agent asks its user just now: that time is not counted. Without it, give users who must sign in before the server
   * answers enough `discoverySeconds`.
   */
  readonly isAskingUser?: () => boolean
  /** Waits a number of seconds, or until the signal aborts. Default: a timer. */
  readonly sleep?: (seconds: number, signal: AbortSignal) => Promise<void>
}

/** A running bridge. It can ask the user of its client: of an old one once its session has begun, of a new one while a call runs. */
export interface Bridge extends ElicitingClient {
  start(): Promise<void>
  /** Ends the session at the server, then closes both sides. */
  close(): Promise<void>
  /** Resolves when both sides are closed. */
  readonly closed: Promise<void>
}

/** The way of the client's messages to the server, once the server's revision is known. */
interface Way {
  readonly line: Line
  readonly adapter: Adapter | undefined
}

interface Context {
  readonly local: BridgeTransport
  readonly remote: BridgeOptions['remote']
  readonly links: Links
  readonly patience: Patience
  readonly onError: (error: Error) => void
  readonly close: () => void
  readonly stop: AbortController
  /** Undefined until the client's first request tells its revision. */
  port: ClientPort | undefined
  /** The client has only asked what the server is: it may still choose the other revision. */
  isChoosing: boolean
  way: Way | undefined
  /** The messages that came before the server's revision was known. */
  queue: RpcMessage[]
  closing: Promise<void> | undefined
}

const checks: OptionChecks<BridgeOptions> = {
  local: 'object',
  remote: 'function',
  onError: 'function',
  links: ['told', 'kept'],
  discoverySeconds: 'number',
  isAskingUser: 'function',
  sleep: 'function',
}

/**
 * Passes the messages of a client and a server to each other, each of revision 2026-07-28 or of one before, with transports of either
 * line of the MCP SDK. Between equals they pass unchanged and in order; otherwise they are translated. The client's first request tells
 * its revision, and the server's answer to `server/discover` that of the server. A request that cannot be delivered is answered with a
 * JSON-RPC error that says why. When a server has ended its session, the bridge opens a new one.
 * @throws TypeError or RangeError for wrong options
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports
 */
export function bridge(options: BridgeOptions): Bridge {
  checkOptions('bridge', options, checks, ['local', 'remote'])
  const { local, remote, onError: tell = () => undefined, links = 'kept' } = options
  let closed: () => void = () => undefined
  const whenClosed = new Promise<void>(resolve => {
    closed = resolve
  })
  const close = (): Promise<void> => {
    // Transports call `onclose` while they are closed.
    context.closing ??= Promise.resolve()
      .then(() => closeBoth(context))
      .then(closed)
    return context.closing
  }
  const context: Context = {
    local,
    remote,
    links,
    close,
    patience: patienceOf(options),
    stop: new AbortController(),
    onError(error) {
      // Requests that break off because of the end or a cancellation are not errors.
      if (context.closing === undefined && error.name !== 'AbortError') tell(error)
    },
    port: undefined,
    isChoosing: true,
    way: undefined,
    queue: [],
    closing: undefined,
  }
  return {
    async start() {
      local.onmessage = message => fromClient(message, context)
      local.onerror = context.onError
      local.onclose = close
      await local.start()
    },
    close,
    closed: whenClosed,
    get transport() {
      return context.closing === undefined ? local : undefined
    },
    getClientCapabilities: () => elicitingPart(context),
    elicitInput: (params, { signal } = {}) => elicitInput(params, signal, context),
    createElicitationCompletionNotifier: elicitationId => async () => context.port?.complete(elicitationId),
  }
}

function patienceOf(options: BridgeOptions): Patience {
  const { discoverySeconds: seconds = 60, isAskingUser = () => false, sleep = sleepSeconds } = options
  if (!(seconds > 0 && seconds <= 3600)) throw new RangeError('discoverySeconds must be above 0 and at most 3600')
  return { seconds, isAskingUser, sleep }
}

function sleepSeconds(seconds: number, signal: AbortSignal): Promise<void> {
  return timer(seconds * 1000, undefined, { signal }).catch(() => undefined)
}

function fromClient(message: RpcMessage, context: Context): void {
  if (context.closing !== undefined) return
  if (isRequest(message) && context.isChoosing) {
    context.isChoosing = message.method === 'server/discover'
    if (message.method === 'initialize') leave(context)
  }
  if (context.port === undefined) {
    // Nothing else can begin.
    if (!isRequest(message)) return
    context.port = portFor(message, context)
    void open(message, context.port, context)
  }
  const passed = context.port.fromClient(message)
  if (passed !== undefined) toServer(passed, context)
}

/** Leaves the way of a client that has chosen the other revision, as when the server refused it at first. */
function leave(context: Context): void {
  const { port, way, onError } = context
  Object.assign(context, { port: undefined, way: undefined, queue: [] })
  port?.close(new Error('the client has chosen another revision'))
  way?.adapter?.close()
  way?.line.close().catch(onError)
}

function portFor(first: RpcRequest, context: Context): ClientPort {
  const { local, onError } = context
  const send = (message: RpcMessage): Promise<void> => local.send(message)
  return envelopeOf(first) === undefined
    ? oldClient(send, onError)
    : newClient(send, { onError, toServer: message => toServer(message, context) })
}

function toServer(message: RpcMessage, context: Context): void {
  const { way, queue } = context
  // bound: messages of the client until the server has answered; grown by the program
  if (way === undefined) queue.push(message)
  else if (way.adapter === undefined) way.line.fromClient(message)
  else way.adapter.fromClient(message)
}

/** Finds out what the server speaks, and opens the way to it; when that fails, the next request tries again. */
async function open(first: RpcRequest, port: ClientPort, context: Context): Promise<void> {
  try {
    const way = await wayTo(first, port, context)
    if (context.closing !== undefined || context.port !== port) return await way.line.close()
    context.way = way
    for (const message of context.queue.splice(0)) toServer(message, context)
  } catch (error) {
    if (context.closing !== undefined || context.port !== port) return
    const left = context.queue.splice(0).filter(isRequest)
    for (const { id } of left) port.toClient(undelivered(id, error, context.links))
    port.close(new Error('the server cannot be reached'))
    Object.assign(context, { port: undefined, isChoosing: true })
  }
}

async function wayTo(first: RpcRequest, port: ClientPort, context: Context): Promise<Way> {
  const { remote, links, patience, onError, close } = context
  const envelope = envelopeOf(first)
  const { discovered, connect } = await findRevision({
    connect: remote,
    patience,
    signal: context.stop.signal,
    envelope: envelope ?? greetingOf(first),
  })
  let adapter: Adapter | undefined
  const options: LineOptions = {
    connect,
    links,
    onError,
    closed: close,
    toClient: message => (adapter === undefined ? port.toClient(message) : adapter.fromServer(message)),
    renewed: () => adapter?.renewed?.(),
  }
  const line = discovered === undefined ? sessionsLine(options) : statelessLine(options)
  const parts = { port, onError, toServer: (message: RpcMessage) => line.fromClient(message) }
  if (envelope !== undefined && discovered === undefined) adapter = asOldClient(parts)
  if (envelope === undefined && discovered !== undefined) adapter = asNewClient({ ...parts, discovered })
  await line.start()
  return { line, adapter }
}

/** What the `initialize` of an old client says of it. */
function greetingOf({ params }: RpcRequest): Envelope {
  const { clientInfo = { name: 'client', version: '0' }, capabilities } = params ?? {}
  return { clientInfo, capabilities: commonCapabilities(capabilities), logLevel: undefined }
}

async function closeBoth({ local, port, way, queue, stop, links, onError }: Context): Promise<void> {
  const error = new Error('the connection to the client has ended')
  stop.abort(error)
  port?.close(error)
  way?.adapter?.close()
  for (const { id } of queue.splice(0).filter(isRequest)) port?.toClient(undelivered(id, error, links))
  await way?.line.close()
  await local.close().catch(onError)
}

function elicitingPart({ port }: Context): ReturnType<ElicitingClient['getClientCapabilities']> {
  const elicitation = port?.capabilities?.['elicitation']
  if (port?.capabilities === undefined) return undefined
  if (!isObject(elicitation)) return {}
  return { elicitation: isObject(elicitation['url']) ? { url: elicitation['url'] } : {} }
}

async function elicitInput(
  params: UrlQuestion,
  signal: AbortSignal | undefined,
  { port }: Context,
): Promise<UserAnswer> {
  if (port === undefined) throw new Error('no client is connected')
  const { action } = await port.ask({ method: 'elicitation/create', params: { ...params }, signal })
  if (action === 'accept' || action === 'decline' || action === 'cancel') return { action }
  throw new Error('the client answered with no decision')
}
