import { setTimeout as sleep } from 'node:timers/promises'
import { randomText } from '@countersign/httpsig/internal'
import {
  type Answer,
  cancelled,
  cancelledId,
  isAnswer,
  isFailure,
  isNotification,
  isRequest,
  type Params,
  type RequestId,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
  type RpcResult,
  rpcCodes,
} from '@countersign/mcp/internal/client'
import { isObject } from '@countersign/protocol/internal'
import { type Changes, changes } from './changes.js'
import type { ClientPort } from './client-port.js'
import {
  canBeAsked,
  commonCapabilities,
  type Envelope,
  metaOf,
  serverInfoMember,
  sessionsRevision,
  sessionsRevisions,
  subscriptionMember,
  withEnvelope,
  withoutMembers,
} from './envelope.js'
import { isAboutTasks, noTasks, withoutTask, withoutTaskSupport } from './no-tasks.js'
import type { Adapter } from './transport.js'

/** The limits of what a server may ask for in one call: rounds, questions of a round, and characters of its state and its keys. */
const limits = { rounds: 10, questions: 16, state: 65_536, key: 256 }

/** How long a round without questions waits, in milliseconds. */
const pause = 250

/** What an adapter between an old client and a new server is made of. */
export interface AsNewClient {
  readonly port: ClientPort
  /** The server's answer to `server/discover`. */
  readonly discovered: Params
  readonly toServer: (message: RpcMessage) => void
  readonly onError: (error: Error) => void
}

interface Context extends AsNewClient {
  /** The requests of this adapter to the server that wait for an answer. */
  readonly open: Map<RequestId, (answer: Answer) => void>
  /** The subscriptions that are open, with what is called when the server has begun to tell. */
  readonly listening: Map<RequestId, () => void>
  /** The calls of the client that run, by its ids. */
  readonly running: Map<RequestId, AbortController>
  readonly changes: Changes
  clientInfo: unknown
  logLevel: string | undefined
}

/**
 * Lets a client of revision 2025-11-25 or before use a server of revision 2026-07-28. Its session begins and ends here; what the server
 * asks for in its answers, the client is asked by requests; changes come by subscriptions. There are no tasks, see `noTasks`.
 */
export function asNewClient(options: AsNewClient): Adapter {
  const { port, onError, discovered } = options
  const context: Context = {
    ...options,
    // bound: requests of the client that are under way; grown by the program
    open: new Map(),
    // bound: subscriptions of the client: 64 resources, and the lists; grown by the program
    listening: new Map(),
    // bound: requests of the client that are under way; grown by the program
    running: new Map(),
    clientInfo: undefined,
    logLevel: undefined,
    changes: changes({
      capabilities: discovered['capabilities'],
      listen: (params, { signal, acknowledged }) =>
        ask('subscriptions/listen', params, { context, signal, acknowledged }),
      tell: message => port.toClient(message),
      onError,
    }),
  }
  return {
    fromClient: message => fromClient(message, context),
    fromServer(message) {
      if (isAnswer(message)) settle(message, context)
      else if (isNotification(message)) fromNotification(message, context)
    },
    close() {
      context.changes.close()
      for (const stop of context.running.values()) stop.abort(new Error('the connection to the client has ended'))
    },
  }
}

function settle(answer: Answer, { open, onError }: Context): void {
  const resolve = open.get(answer.id ?? '')
  if (resolve === undefined) onError(new Error('the server answered no request', { cause: answer }))
  else resolve(answer)
}

function fromNotification(message: RpcNotification, { listening, port }: Context): void {
  if (isAboutTasks(message)) return
  if (message.method === 'notifications/subscriptions/acknowledged') {
    const id = metaOf(message.params)[subscriptionMember]
    if (typeof id === 'string') listening.get(id)?.()
    return
  }
  const { _meta, ...rest } = message.params ?? {}
  const meta = withoutMembers(metaOf(message.params), [subscriptionMember])
  const params = Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta }
  port.toClient({ ...message, ...(message.params === undefined ? {} : { params }) })
}

function fromClient(message: RpcMessage, context: Context): void {
  const { running, changes: heard, port } = context
  if (isRequest(message)) {
    const stop = new AbortController()
    running.set(message.id, stop)
    void answerTo(message, stop.signal, context).then(answer => {
      if (running.get(message.id) !== stop) return
      running.delete(message.id)
      port.toClient(answer)
    })
  }
  if (!isNotification(message)) return
  const id = cancelledId(message)
  if (id !== undefined) {
    running.get(id)?.abort(new Error('the client has cancelled the call'))
    running.delete(id)
  } else if (message.method === 'notifications/initialized') heard.begin()
  // Other notifications of a session have no place in a request of its own.
}

async function answerTo(request: RpcRequest, signal: AbortSignal, into: Context): Promise<Answer> {
  const { id } = request
  try {
    const result = await resultOf(request, signal, into)
    return 'error' in result ? { ...result, id } : { jsonrpc: '2.0', id, result: result.result }
  } catch (error) {
    const message = error instanceof Error ? error.message : 'the call has failed'
    return { jsonrpc: '2.0', id, error: { code: rpcCodes.internal, message } }
  }
}

async function resultOf(request: RpcRequest, signal: AbortSignal, into: Context): Promise<Answer> {
  const { method, params } = request
  if (isAboutTasks(request)) return noTasks(request)
  const own = (result: Params): RpcResult => ({ jsonrpc: '2.0', id: request.id, result })
  switch (method) {
    case 'initialize':
      into.clientInfo = params?.['clientInfo']
      return own(welcome(params, into.discovered))
    case 'ping':
      return own({})
    case 'logging/setLevel':
      into.logLevel = String(params?.['level'])
      return own({})
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      await into.changes.subscribe(String(params?.['uri']), method === 'resources/subscribe')
      return own({})
    default:
      return call({ ...request, params: withoutTask(params) }, signal, into)
  }
}

/** The answer to `initialize`. */
function welcome(params: Params | undefined, discovered: Params): Params {
  const wanted = String(params?.['protocolVersion'])
  const { instructions } = discovered
  return {
    protocolVersion: sessionsRevisions.includes(wanted) ? wanted : sessionsRevision,
    capabilities: commonCapabilities(discovered['capabilities']),
    serverInfo: metaOf(discovered)[serverInfoMember] ?? { name: 'server', version: '0' },
    ...(instructions === undefined ? {} : { instructions }),
  }
}

/** Sends a request until the server has all input that it asks for. */
async function call(request: RpcRequest, signal: AbortSignal, context: Context): Promise<Answer> {
  let more: Params = {}
  for (let round = 0; round <= limits.rounds; round++) {
    const answer = await ask(request.method, { ...request.params, ...more }, { context, signal })
    if (isFailure(answer)) return answer
    const { resultType = 'complete', ...result } = answer.result
    if (resultType === 'complete') {
      const complete = { ...answer, result }
      return request.method === 'tools/list' ? withoutTaskSupport(complete) : complete
    }
    if (resultType !== 'input_required')
      throw new Error('the server answered with a kind of result that the client does not know')
    if (round < limits.rounds) more = await inputFor(result, signal, context)
  }
  throw new Error(`the server asked for input more than ${limits.rounds} times`)
}

/** Asks the client for what a result asks for. @returns the members with which the request is repeated */
async function inputFor(result: Params, signal: AbortSignal, { port }: Context): Promise<Params> {
  const { requestState } = result
  const requests = isObject(result['inputRequests']) ? Object.entries(result['inputRequests']) : []
  const isSound =
    requests.length <= limits.questions &&
    requests.every(([key]) => key.length <= limits.key) &&
    (requestState === undefined || (typeof requestState === 'string' && requestState.length <= limits.state))
  if (!isSound) throw new Error('the server asked for more input than the bridge passes on')
  const state = requestState === undefined ? {} : { requestState }
  if (requests.length === 0) {
    await sleep(pause, undefined, { signal })
    return state
  }
  // When one fails, the others are withdrawn.
  const failed = new AbortController()
  const over = AbortSignal.any([signal, failed.signal])
  const answers = requests.map(async ([key, asked]) => [key, await inputOf(asked, over, port)] as const)
  try {
    return { ...state, inputResponses: Object.fromEntries(await Promise.all(answers)) }
  } catch (error) {
    failed.abort(error)
    throw error
  }
}

async function inputOf(asked: unknown, signal: AbortSignal, port: ClientPort): Promise<Params> {
  const { method, params: given } = isObject(asked) ? asked : {}
  const params = isObject(given) ? given : undefined
  // A client that did not offer it must not be asked: nothing of it may run.
  if (typeof method !== 'string' || !canBeAsked(method, params, port.capabilities))
    throw new Error('the server asked for input that the client cannot give')
  const isUrl = method === 'elicitation/create' && params?.['mode'] === 'url'
  return port.ask({ method, params: isUrl ? { ...params, elicitationId: randomText() } : params, signal })
}

interface Asking {
  readonly context: Context
  readonly signal: AbortSignal
  /** Called when the server has acknowledged a subscription. */
  readonly acknowledged?: () => void
}

/** Sends one request to the server, under an id of the adapter. */
async function ask(method: string, params: Params, { context, signal, acknowledged }: Asking): Promise<Answer> {
  signal.throwIfAborted()
  const { open, listening, toServer } = context
  const id = `countersign-${randomText()}`
  let stop: () => void = () => undefined
  const answer = new Promise<Answer>((resolve, reject) => {
    open.set(id, resolve)
    if (acknowledged !== undefined) listening.set(id, acknowledged)
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  toServer({ jsonrpc: '2.0', id, method, params: withEnvelope(params, envelopeIn(context)) })
  try {
    return await answer
  } catch (error) {
    toServer(cancelled(id, undefined))
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
    open.delete(id)
    listening.delete(id)
  }
}

function envelopeIn({ clientInfo, logLevel, port }: Context): Envelope {
  return {
    clientInfo: clientInfo ?? { name: 'client', version: '0' },
    capabilities: commonCapabilities(port.capabilities),
    logLevel,
  }
}
