import { randomText } from '@countersign/httpsig/internal'
import {
  type Answer,
  cancelled,
  cancelledId,
  isAnswer,
  isNotification,
  isRequest,
  type Params,
  type RequestId,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
  rpcCodes,
} from '@countersign/mcp/internal/client'
import { isObject } from '@countersign/protocol/internal'
import { type Asker, answerOf, type ClientPort, mostAsked, type Question } from './client-port.js'
import { envelopeOf, metaOf, withoutMembers } from './envelope.js'

/** A request that can be answered by a request for input. */
interface Call {
  /** The id that the server knows it by. */
  readonly id: RequestId
  readonly request: RpcRequest
  /** The request that the client waits for now; undefined while the client is asked. */
  waiting: RpcRequest | undefined
  /** The state that the client must repeat, while it is asked. */
  state: string | undefined
  /** The questions that the client is asked, by key. */
  readonly questions: Map<string, Asker>
  /** The answer, where the server has answered while the client was asked. */
  answer: Answer | undefined
  rounds: number
  timer: NodeJS.Timeout | undefined
}

interface Queued extends Question {
  readonly asker: Asker
}

interface Context {
  readonly send: (message: RpcMessage) => void
  /** Sends a message of the bridge's own to the server. */
  readonly toServer: (message: RpcMessage) => void
  /** By the id that the server knows. */
  readonly calls: Map<RequestId, Call>
  readonly queue: Queued[]
  capabilities: Params | undefined
}

/** Methods whose answer may be a request for input. */
const interruptible = ['tools/call', 'prompts/get', 'resources/read']

/** Most rounds of questions in one call. */
const mostRounds = 10

/** How long a client may take to repeat a request, in milliseconds; no agent waits longer for its user. */
const longestPause = 3_600_000

/** What begins each state of this bridge. */
const ownState = 'countersign-bridge.'

/**
 * A client of revision 2026-07-28: its user is asked by the answer to a running request, which the client repeats with the answers. The
 * server gets such a request once. Which request carries a question means nothing, so questions take any.
 */
export function newClient(
  send: (message: RpcMessage) => Promise<void>,
  { onError, toServer }: { readonly onError: (error: Error) => void; readonly toServer: (message: RpcMessage) => void },
): ClientPort {
  // bound: requests of the client that are under way, and for an hour those that it does not repeat; grown by the
  // program
  const context: Context = {
    toServer,
    calls: new Map(),
    queue: [],
    capabilities: undefined,
    send: message => void send(message).catch(onError),
  }
  return {
    get capabilities() {
      return context.capabilities
    },
    fromClient: message => fromClient(message, context),
    toClient: message => toClient(message, context),
    async ask({ method, params, signal }) {
      signal?.throwIfAborted()
      if (context.queue.length >= mostAsked || candidates(context).length === 0) throw noCall()
      const { asker, answer } = answerOf(signal, () => {
        const at = context.queue.findIndex(other => other.asker === asker)
        if (at >= 0) context.queue.splice(at, 1)
      })
      // bound: 64 questions; bytes: 64 × a message of the server; grown by a peer; filled by hostile.test.ts "that asks
      // too much at once"
      context.queue.push({ method, params: asInput(method, params), asker })
      // Questions of one moment are asked at once.
      queueMicrotask(() => askNext(context))
      return answer
    },
    complete: async () => undefined,
    close(error) {
      for (const { asker } of context.queue.splice(0)) asker.reject(error)
      for (const call of context.calls.values()) endCall(call, context, error)
    },
  }
}

const noCall = (): Error => new Error('the client can only be asked while one of its calls runs')

/** A URL to open has no id in this revision. */
function asInput(method: string, params: Params | undefined): Params | undefined {
  if (params === undefined) return undefined
  return withoutMembers(params, ['_meta', ...(method === 'elicitation/create' ? ['elicitationId'] : [])])
}

function fromClient(message: RpcMessage, context: Context): RpcMessage | undefined {
  if (isRequest(message)) return fromRequest(message, context)
  const id = cancelledId(message)
  if (id === undefined) return message
  const call = [...context.calls.values()].find(({ waiting }) => waiting?.id === id)
  if (call === undefined) return message
  endCall(call, context, new Error('the client has cancelled the call'))
  return cancelled(call.id, undefined)
}

function fromRequest(request: RpcRequest, context: Context): RpcRequest | undefined {
  context.capabilities = envelopeOf(request)?.capabilities ?? context.capabilities
  const state = request.params?.['requestState']
  if (typeof state === 'string' && state.startsWith(ownState)) {
    resume(request, state, context)
    return undefined
  }
  if (!interruptible.includes(request.method)) return request
  if (context.calls.has(request.id)) {
    refuse(request, 'a request with this id is under way', context)
    return undefined
  }
  // bound: 64 questions of a call; bytes: small; grown by a peer; filled by hostile.test.ts "that asks too much at
  // once"
  context.calls.set(request.id, {
    id: request.id,
    request,
    waiting: request,
    state: undefined,
    questions: new Map(),
    answer: undefined,
    rounds: 0,
    timer: undefined,
  })
  return request
}

/** Goes on with a call whose client has answered. */
function resume(request: RpcRequest, state: string, context: Context): void {
  const call = [...context.calls.values()].find(one => one.state === state)
  if (call === undefined || call.request.method !== request.method) {
    refuse(request, 'no request waits for this requestState', context)
    return
  }
  clearTimeout(call.timer)
  Object.assign(call, { state: undefined, waiting: request })
  const answers = request.params?.['inputResponses']
  for (const [key, asker] of call.questions) {
    const answer = isObject(answers) && Object.hasOwn(answers, key) ? answers[key] : undefined
    if (isObject(answer)) asker.resolve(answer)
    else asker.reject(new Error('the client did not answer'))
  }
  call.questions.clear()
  if (call.answer !== undefined) finish(call, call.answer, context)
  else askNext(context)
}

function refuse({ id }: RpcRequest, message: string, { send }: Context): void {
  send({ jsonrpc: '2.0', id, error: { code: rpcCodes.invalidParams, message } })
}

function toClient(message: RpcMessage, context: Context): void {
  if (isAnswer(message)) {
    const call = message.id === undefined ? undefined : context.calls.get(message.id)
    if (call === undefined) context.send(message)
    else if (call.waiting === undefined) call.answer = message
    else finish(call, message, context)
    return
  }
  const passed =
    isNotification(message) && message.method === 'notifications/progress' ? progress(message, context) : message
  if (passed !== undefined) context.send(passed)
}

function finish(call: Call, answer: Answer, context: Context): void {
  context.calls.delete(call.id)
  clearTimeout(call.timer)
  if (call.waiting !== undefined) context.send({ ...answer, id: call.waiting.id })
  askNext(context)
}

/** Progress under the token of the request that the client waits for now; none while it is asked. */
function progress(message: RpcNotification, { calls }: Context): RpcNotification | undefined {
  const token = message.params?.['progressToken']
  const call = [...calls.values()].find(({ request }) => tokenOf(request) === token)
  if (token === undefined || call === undefined) return message
  const now = call.waiting === undefined ? undefined : tokenOf(call.waiting)
  return now === undefined ? undefined : { ...message, params: { ...message.params, progressToken: now } }
}

function tokenOf({ params }: RpcRequest): unknown {
  return metaOf(params)['progressToken']
}

/** The calls that can carry a question, now or when the client repeats them. */
function candidates({ calls }: Context): Call[] {
  return [...calls.values()].filter(({ rounds, answer }) => rounds < mostRounds && answer === undefined)
}

/** Asks what waits, by the answer to one call; where no call can carry it, it cannot be asked. */
function askNext(context: Context): void {
  const all = candidates(context)
  if (all.length === 0) for (const { asker } of context.queue.splice(0)) asker.reject(noCall())
  const call = all.find(({ waiting }) => waiting !== undefined)
  if (call?.waiting === undefined || context.queue.length === 0) return
  const questions = context.queue.splice(0)
  const asked = questions.map(({ asker, method, params }, at) => {
    call.questions.set(String(at), asker)
    return [String(at), { method, ...(params === undefined ? {} : { params }) }] as const
  })
  const { id } = call.waiting
  const state = `${ownState}${randomText()}`
  const timer = setTimeout(() => giveUp(call, context), longestPause)
  timer.unref()
  Object.assign(call, { state, timer, waiting: undefined, rounds: call.rounds + 1 })
  const inputRequests = Object.fromEntries(asked)
  context.send({ jsonrpc: '2.0', id, result: { resultType: 'input_required', inputRequests, requestState: state } })
}

/** Ends a call that its client does not go on with. */
function giveUp(call: Call, context: Context): void {
  endCall(call, context, new Error('the client did not answer'))
  context.toServer(cancelled(call.id, 'the client did not answer'))
}

function endCall(call: Call, context: Context, error: Error): void {
  context.calls.delete(call.id)
  clearTimeout(call.timer)
  for (const asker of call.questions.values()) asker.reject(error)
  askNext(context)
}
