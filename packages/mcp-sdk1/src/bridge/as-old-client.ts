import { randomText } from '@countersign/httpsig/internal'
import {
  type Answer,
  cancelled,
  cancelledId,
  isAnswer,
  isNotification,
  isRequest,
  isResult,
  type Params,
  type RequestId,
  type RpcMessage,
  type RpcRequest,
  type RpcResult,
  rpcCodes,
} from '@countersign/mcp/internal/client'
import { isObject } from '@countersign/protocol/internal'
import type { ClientPort } from './client-port.js'
import {
  canBeAsked,
  commonCapabilities,
  type Envelope,
  envelopeOf,
  serverInfoMember,
  sessionsRevision,
  statelessRevision,
  withoutEnvelope,
  withoutMembers,
} from './envelope.js'
import { type Listeners, listeners } from './listeners.js'
import { isAboutTasks, noTasks, withoutTask, withoutTaskSupport } from './no-tasks.js'
import type { Adapter } from './transport.js'

/** What an adapter between a new client and an old server is made of. */
export interface AsOldClient {
  readonly port: ClientPort
  readonly toServer: (message: RpcMessage) => void
  readonly onError: (error: Error) => void
}

/** A request of the client, and the id that the server knows it by: servers of SDK 1 cannot cancel one with the id 0. */
interface Call {
  readonly method: string
  readonly id: RequestId
}

interface Context extends AsOldClient {
  /** The requests of this adapter to the server that wait for an answer. */
  readonly open: Map<RequestId, (answer: Answer) => void>
  /** The requests of the client that run, by their ids. */
  readonly calls: Map<RequestId, Call>
  /** The questions of the server that the client is asked. */
  readonly asked: Map<RequestId, AbortController>
  readonly listeners: Listeners
  /** The answer to `initialize`; undefined before, and after one that failed. */
  session: Promise<Params> | undefined
  logLevel: string | undefined
}

/** Results that say how long they may be kept; of an old server they may change at any time. */
const cacheable = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'resources/read']

const uncached = { ttlMs: 0, cacheScope: 'private' } as const

/**
 * Lets a client of revision 2026-07-28 use a server of revision 2025-11-25 or before. The session begins with the first request; what
 * the server asks by requests, the client is asked by the answers to its calls; its changes reach the subscriptions of the client. There
 * are no tasks, see `noTasks`.
 */
export function asOldClient(options: AsOldClient): Adapter {
  const { port, toServer } = options
  const context: Context = {
    ...options,
    // bound: requests of the bridge that are under way; grown by the program
    open: new Map(),
    // bound: requests of the client that are under way; grown by the program
    calls: new Map(),
    // bound: questions that the client is asked: 64, and 64 that wait; bytes: 128 × an id of 256 characters; grown by a
    // peer; filled by hostile.test.ts "that asks too much at once"
    asked: new Map(),
    session: undefined,
    logLevel: undefined,
    listeners: listeners({
      tell: message => port.toClient(message),
      async subscribe(uri, isWanted) {
        const answer = await ask(isWanted ? 'resources/subscribe' : 'resources/unsubscribe', { uri }, context)
        if (!isResult(answer)) throw new Error(answer.error.message)
      },
    }),
  }
  return {
    fromClient(message) {
      if (isRequest(message)) void begin(message, context)
      else if (cancelledId(message) !== undefined) cancel(message, context)
    },
    fromServer(message) {
      if (isRequest(message)) void askClient(message, context).then(toServer)
      else if (isAnswer(message)) settle(message, context)
      else fromNotification(message, context)
    },
    renewed() {
      const { logLevel } = context
      context.listeners.renew()
      if (logLevel !== undefined) void ask('logging/setLevel', { level: logLevel }, context)
    },
    close() {
      for (const stop of context.asked.values()) stop.abort(new Error('the connection to the client has ended'))
    },
  }
}

async function begin(request: RpcRequest, context: Context): Promise<void> {
  const { id, method, params } = request
  const { port, toServer, calls } = context
  if (isAboutTasks(request)) {
    port.toClient(noTasks(request))
    return
  }
  const envelope = envelopeOf(request)
  const call: Call = { method, id: freshId() }
  calls.set(id, call)
  try {
    if (envelope === undefined) throw invalid(`a request of revision ${statelessRevision} needs its _meta`)
    const session = await sessionOf(envelope, context)
    // Cancelled meanwhile.
    if (calls.get(id) !== call) return
    if (method === 'server/discover') return own(id, discovery(session), context)
    if (method === 'subscriptions/listen') return await listen(request, session, context)
    await setLevel(envelope, session, context)
    if (calls.get(id) === call) toServer({ jsonrpc: '2.0', id: call.id, method, params: inSession(params) })
  } catch (error) {
    if (calls.get(id) !== call) return
    calls.delete(id)
    const { code = rpcCodes.internal, message = 'the call has failed', data } = Object(error)
    const answer = {
      code: Number.isInteger(code) ? code : rpcCodes.internal,
      message,
      ...(data === undefined ? {} : { data }),
    }
    port.toClient({ jsonrpc: '2.0', id, error: answer })
  }
}

const invalid = (message: string): Error => Object.assign(new Error(message), { code: rpcCodes.invalidParams })

/** The members of a request in a session; answers for a state that no server gave are none. */
function inSession(params: Params | undefined): Params | undefined {
  const rest = withoutEnvelope(params)
  if (rest?.['requestState'] !== undefined || rest?.['inputResponses'] !== undefined)
    throw invalid('no request waits for this requestState')
  return withoutTask(rest)
}

/** Answers a request of the client here. */
function own(id: RequestId, result: Params, { port, calls }: Context): void {
  calls.delete(id)
  port.toClient({ jsonrpc: '2.0', id, result: { resultType: 'complete', ...result } })
}

/** The session at the server, begun with what the client can do. */
function sessionOf(envelope: Envelope, context: Context): Promise<Params> {
  context.session ??= initialize(envelope, context).catch(error => {
    context.session = undefined
    throw error
  })
  return context.session
}

async function initialize({ capabilities, clientInfo }: Envelope, context: Context): Promise<Params> {
  const said = { protocolVersion: sessionsRevision, capabilities: commonCapabilities(capabilities), clientInfo }
  const answer = await ask('initialize', said, context)
  if (!isResult(answer)) throw Object.assign(new Error(answer.error.message), answer.error)
  context.toServer({ jsonrpc: '2.0', method: 'notifications/initialized' })
  return answer.result
}

function discovery({ capabilities, serverInfo, instructions }: Params): Params {
  return {
    supportedVersions: [statelessRevision],
    capabilities: commonCapabilities(capabilities),
    ...uncached,
    ...(instructions === undefined ? {} : { instructions }),
    ...(serverInfo === undefined ? {} : { _meta: { [serverInfoMember]: serverInfo } }),
  }
}

async function listen(request: RpcRequest, session: Params, context: Context): Promise<void> {
  await context.listeners.open(request.id, request.params?.['notifications'], session['capabilities'])
  // What was cancelled meanwhile stays closed.
  if (!context.calls.delete(request.id)) context.listeners.close(request.id)
}

/** A log level is the session's, where the request of a client has its own. */
async function setLevel({ logLevel }: Envelope, { capabilities }: Params, context: Context): Promise<void> {
  const canLog = isObject(capabilities) && isObject(capabilities['logging'])
  if (logLevel === undefined || logLevel === context.logLevel || !canLog) return
  context.logLevel = logLevel
  await ask('logging/setLevel', { level: logLevel }, context)
}

function cancel(message: RpcMessage, context: Context): void {
  const id = cancelledId(message)
  if (id === undefined) return
  if (context.listeners.close(id)) return
  const call = context.calls.get(id)
  context.calls.delete(id)
  if (call !== undefined) context.toServer(cancelled(call.id, undefined))
}

function settle(answer: Answer, { open, calls, port, onError }: Context): void {
  if (answer.id === undefined) {
    onError(new Error('the server answered no request', { cause: answer }))
    return
  }
  const resolve = open.get(answer.id)
  open.delete(answer.id)
  if (resolve !== undefined) {
    resolve(answer)
    return
  }
  const [id, call] = [...calls].find(([, one]) => one.id === answer.id) ?? []
  if (id === undefined || call === undefined) return
  calls.delete(id)
  const passed = isResult(answer) ? asStateless(answer, call.method) : answer
  port.toClient({ ...(call.method === 'tools/list' ? withoutTaskSupport(passed) : passed), id })
}

/** A result as this revision has it; a server of a session chooses no `resultType`. */
function asStateless(answer: RpcResult, method: string): RpcResult {
  const kept = cacheable.includes(method) ? uncached : {}
  return { ...answer, result: { ...answer.result, ...kept, resultType: 'complete' } }
}

function fromNotification(message: RpcMessage, { port, asked, listeners: all, logLevel }: Context): void {
  if (!isNotification(message)) return
  const id = cancelledId(message)
  if (id !== undefined) asked.get(id)?.abort(new Error('the server has withdrawn its question'))
  else if (message.method === 'notifications/progress') port.toClient(message)
  else if (message.method === 'notifications/message' && logLevel !== undefined) port.toClient(message)
  else all.changed(message)
}

/** Asks the client what the server asks, and returns the answer for the server. */
async function askClient(request: RpcRequest, { port, asked }: Context): Promise<Answer> {
  const { id, method, params } = request
  const answered = { jsonrpc: '2.0', id } as const
  if (method === 'ping') return { ...answered, result: {} }
  // A client that did not offer it must not be asked: nothing of it may run.
  if (!canBeAsked(method, params, port.capabilities))
    return { ...answered, error: { code: rpcCodes.methodNotFound, message: 'the client cannot be asked this' } }
  const stop = new AbortController()
  asked.set(id, stop)
  try {
    return {
      ...answered,
      result: withoutMembers(await port.ask({ method, params: withoutTask(params), signal: stop.signal }), [
        'resultType',
      ]),
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : 'the client did not answer'
    return { ...answered, error: { code: rpcCodes.internal, message } }
  } finally {
    asked.delete(id)
  }
}

/** Sends one request to the server, under an id of the adapter. */
function ask(method: string, params: Params, { open, toServer }: Context): Promise<Answer> {
  const id = freshId()
  return new Promise(resolve => {
    open.set(id, resolve)
    toServer({ jsonrpc: '2.0', id, method, params })
  })
}

const freshId = (): RequestId => `countersign-${randomText()}`
