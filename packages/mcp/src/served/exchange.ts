import { type AAuthError, errorResponse } from '@countersign/protocol'
import { asAAuthError, isObject } from '@countersign/protocol/internal'
import type { Authorization, Guarded } from '@countersign/resource'
import type { AuthInfo, JSONRPCMessage, McpServer, Server, Transport } from '@modelcontextprotocol/server'
import { isReportedIn, type RpcAnswer, recordErrors } from '../answer/handler-errors.js'
import { withRequirements } from '../answer/tool-requirements.js'
import type { Continuations } from '../continued/continuations.js'
import { type Continuing, nameOfRequest } from '../continued/unsealed.js'
import { canAsk, questionResult } from '../continued/user-question.js'
import type { Owner } from '../message/owner.js'
import type { McpMessage } from '../rules/rpc.js'
import type { Rule } from '../rules/rule-book.js'
import { authInfoOf, type CallerInfo } from './auth-info.js'

/** A request that a server answers. */
export interface Exchange {
  readonly rpc: McpMessage
  /** The facts that its handler gets. */
  readonly aauth: Guarded
  /** What the server made for it is told of its caller; {@link Exchanges.watch} finds the exchange by it. */
  readonly authInfo: AuthInfo
  /** Resolves when the server sends the first message for it, or to the response that replaces all messages. */
  readonly begun: Promise<Response | undefined>
  /** The last message that the server has sent for it, once it has: of a response that is no stream, its body. */
  answered: JSONRPCMessage | undefined
}

/** A request to begin, and its caller. */
export interface NewExchange {
  readonly rpc: McpMessage
  readonly authorization: Authorization & { readonly ok: true }
  readonly owner: Owner
  readonly continuing: Continuing | undefined
}

/** The requests that servers are answering. */
export interface Exchanges<S extends string> {
  begin(request: NewExchange): Exchange
  /** Makes the messages of the server that was made for an exchange pass the guard. */
  watch(server: McpServer | Server, authInfo: AuthInfo | undefined): void
  readonly ruleOf: (tool: string) => Rule<S>
}

/** What the answers of servers pass. */
export interface ExchangeContext<S extends string> {
  /** The rule of a tool. */
  readonly ruleOf: (tool: string) => Rule<S>
  readonly continuations: Continuations
  /** Unix seconds. */
  readonly now: () => number
}

/**
 * What a server is told of its caller. It holds the exchange in a private member, which no handler can reach; cheaper for the garbage
 * collector than a WeakMap.
 */
class CallerOfExchange implements CallerInfo {
  readonly token: string
  readonly clientId: string
  readonly scopes: string[]
  declare readonly expiresAt?: number
  readonly extra: CallerInfo['extra']
  readonly #exchange: Running

  constructor(exchange: Running) {
    const { token, clientId, scopes, expiresAt, extra } = authInfoOf(exchange.aauth)
    this.token = token
    this.clientId = clientId
    this.scopes = scopes
    if (expiresAt !== undefined) this.expiresAt = expiresAt
    this.extra = extra
    this.#exchange = exchange
  }

  static exchangeIn(info: object): Running | undefined {
    return #exchange in info ? info.#exchange : undefined
  }
}

/** A request that is being answered. */
class Running implements Exchange {
  readonly rpc: McpMessage
  readonly authorization: NewExchange['authorization']
  readonly owner: Owner
  readonly continuing: Continuing | undefined
  readonly aauth: Guarded
  readonly authInfo: AuthInfo
  readonly begun: Promise<Response | undefined>
  answered: JSONRPCMessage | undefined
  /** The errors that its handler's calls of other services have thrown. */
  readonly thrown: unknown[] = []
  begin: (answer?: Response) => void = () => {}

  constructor({ rpc, authorization, owner, continuing }: NewExchange) {
    this.rpc = rpc
    this.authorization = authorization
    this.owner = owner
    this.continuing = continuing
    const { aauth, questions } = authorization
    // Only where handlers can make calls: to take facts apart costs each request as much as its rule.
    this.aauth = questions === undefined ? aauth : recordErrors(aauth, this.thrown)
    this.begun = new Promise(resolve => {
      this.begin = resolve
    })
    this.authInfo = new CallerOfExchange(this)
  }
}

/** Seconds in which a user can answer. */
const questionLife = 600

export function createExchanges<S extends string>(context: ExchangeContext<S>): Exchanges<S> {
  return {
    ruleOf: context.ruleOf,
    begin: request => new Running(request),
    watch(server, authInfo) {
      const exchange = authInfo && CallerOfExchange.exchangeIn(authInfo)
      if (exchange === undefined) throw new TypeError('a server is created for one request, and serves that one')
      const connect = server.connect.bind(server)
      server.connect = async (transport: Transport) => {
        await connect(transport)
        const send = transport.send.bind(transport)
        transport.send = (message, options) => {
          // In the same turn where nothing is to be done: the SDK gives refusals before a handler ran their HTTP status.
          if (!isAnswer(message)) {
            exchange.begin()
            return send(message, options)
          }
          const sent = (answer: Answer): Promise<void> => {
            exchange.answered = answer
            return send(answer, options)
          }
          try {
            const changed = answerOf(message, exchange, context)
            return changed === undefined
              ? sent(message)
              : changed.then(sent, (error: unknown) => sent(failed(error, exchange)))
          } catch (error) {
            return sent(failed(error, exchange))
          }
        }
      }
    },
  }
}

type Answer = JSONRPCMessage & RpcAnswer

function isAnswer(message: JSONRPCMessage): message is Answer {
  return ('result' in message || 'error' in message) && !('method' in message)
}

/**
 * The answer where the guard could not make its own, for lack of room or of a key: the SDK would leave the request open for ever.
 * What the server said must not go out instead.
 */
function failed(thrown: unknown, { begin, rpc }: Running): Answer {
  const error = asAAuthError(thrown)
  const response = errorResponse(error)
  // The server has acted on the request: Agent-Auth would tell the agent that it did not.
  response.headers.delete('agent-auth')
  begin(response)
  const id = rpc.request?.id
  return { jsonrpc: '2.0', id, error: { code: -32_603, message: error.description, data: dataOf(error) } } as Answer
}

const dataOf = ({ code, reason }: AAuthError): object => ({ error: code, reason })

/** Results with which a caller goes on. */
const goesOn: ReadonlySet<unknown> = new Set(['input_required', 'task'])

/** The answer for the caller; undefined where it is the server's own, unchanged. */
function answerOf<S extends string>(
  answer: Answer,
  exchange: Running,
  context: ExchangeContext<S>,
): Promise<Answer> | undefined {
  const { thrown, begin, rpc, continuing, authorization } = exchange
  const error = thrown.find(one => isReportedIn(answer, one))
  if (error !== undefined) return answerAfter(error, { answer, exchange }, context)
  const { result } = answer
  // Of a caller that a resource would refuse, and only observes, nothing is remembered.
  if (
    (authorization.observed !== true || authorization.seen !== undefined) &&
    isObject(result) &&
    (goesOn.has(result['resultType']) || continuing !== undefined)
  )
    return sealedAnswer(answer, exchange, context.continuations).finally(() => begin())
  begin()
  if (rpc.request?.method !== 'tools/list') return undefined
  return Promise.resolve(withRequirements(answer, exchange.aauth, context.ruleOf))
}

/**
 * The answer where a call of another service failed: a question to the user where the client can ask it; else the guard's response in
 * place of all messages.
 */
async function answerAfter<S extends string>(
  error: unknown,
  { answer, exchange }: { readonly answer: Answer; readonly exchange: Running },
  { continuations, now }: ExchangeContext<S>,
): Promise<Answer> {
  const { authorization, begin, rpc } = exchange
  // Under conditions of type `data` no request for input goes out, and what cannot be handed to the client is asked for by the challenge.
  const asks = canAsk(exchange) && authorization.answer === undefined
  const question = asks ? await authorization.questions?.of(error) : undefined
  const result =
    question === undefined
      ? undefined
      : await questionResult(exchange, { ...question, until: Math.floor(now()) + questionLife }, continuations)
  begin(result === undefined ? await authorization.respond(error) : undefined)
  return result === undefined ? answer : ({ jsonrpc: '2.0', id: rpc.request?.id, result } as Answer)
}

/** The answer with what only its caller may go on with. */
async function sealedAnswer(
  answer: Answer,
  { rpc, owner, continuing }: Running,
  continuations: Continuations,
): Promise<Answer> {
  const result = answer.result ?? {}
  const of = nameOfRequest(rpc)
  const withMember = (name: string, value: unknown): Answer =>
    ({ ...answer, result: { ...result, [name]: value } }) as Answer
  const { resultType, requestState: state, taskId } = result
  // About a task, under the name by which its caller knows it: a new name would lose the rule of its tool.
  if (continuing?.kind === 'task') return typeof taskId === 'string' ? withMember('taskId', continuing.sent) : answer
  if (resultType === 'input_required') {
    const value = typeof state === 'string' ? state : undefined
    return withMember('requestState', await continuations.seal({ kind: 'state', of, value }, owner))
  }
  if (typeof taskId !== 'string') return answer
  if (resultType !== 'task') return answer
  return withMember('taskId', await continuations.seal({ kind: 'task', of, value: taskId }, owner))
}
