import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { isSigned } from '@countersign/httpsig/internal'
import {
  type Ask,
  callOf,
  checkOrigin,
  continueOwner,
  createSessions,
  defaultSessionLimits,
  defaultStreamLimits,
  isEventStream,
  listNames,
  type McpMessage,
  type NameProof,
  nameProof,
  ownerOf,
  type Rule,
  type RuleBook,
  readRpc,
  rpcErrorOf,
  ruleBook,
  type Session,
  type Sessions,
  type StreamShares,
  sessionNotFound,
  showMessage,
  streamShares,
  watchedBody,
} from '@countersign/mcp/internal'
import type { McpRules } from '@countersign/mcp/sdk1'
import { AAuthError } from '@countersign/protocol'
import { asAAuthError } from '@countersign/protocol/internal'
import {
  type AAuth,
  type Authorization,
  type Requirement,
  type Resource,
  revocableResponse,
} from '@countersign/resource'
import { plainName } from './forwarded-headers.js'
import type { Judged, Judges } from './judged.js'
import { rulesWithin } from './mcp-rules.js'
import { askingLike } from './mcp-stateless.js'

/** The owners of sessions of the MCP servers behind a gateway; kept over a reload. */
export type McpSessions = Sessions<undefined>

/** @param now Unix seconds */
export function mcpSessions(now: () => number): McpSessions {
  return createSessions({ ...defaultSessionLimits, now, end: () => undefined })
}

/** The requirements at the endpoint of an MCP server. */
export interface McpRoute<S extends string> {
  readonly path: string
  readonly rules: McpRules<S>
  /** Components that signatures must cover in addition to those of an MCP server. */
  readonly components: readonly string[]
}

interface Context {
  readonly path: string
  readonly sessions: McpSessions
  /** Of subscriptions. */
  readonly shares: StreamShares
  readonly now: () => number
}

/** Seconds that a stream lasts at most; it also ends with the token of the request that opened it. */
const longestStream = 3600

/**
 * Judges requests to an MCP server that does not speak AAuth, by the tool, prompt or resource that a message names and by the owner
 * of its session. The server gets the same bytes that were judged; a message that two parsers could read differently is refused.
 * @throws TypeError for a requirement that no caller could meet
 */
export function mcpJudge<S extends string>(
  resource: Resource<S>,
  { path, rules, components }: McpRoute<S>,
  { sessions, now }: Pick<Context, 'sessions' | 'now'>,
): Judges<S> {
  const { session, optional = [], ...named } = rules
  // Checked before it is combined with other rules: the combination is a function, whose lists cannot be checked.
  for (const { deny } of Object.values(named).flatMap(Object.values<Requirement<S>>))
    if (deny !== undefined) resource.declare({ level: 'identified', deny }, { answers: 'projected' })
  const within = session === undefined ? rules : { session, optional, ...rulesWithin(session, named) }
  const common = { name: path, components }
  const book = ruleBook(resource, within, common)
  const parts: McpJudgeParts<S> = {
    resource,
    book,
    ofTasks: ruleOfTasks(book, within.tools, () => ruleBook(resource, { ...within, tools: {}, optional: [] }, common)),
    proof: nameProof(),
    context: { path, sessions, shares: streamShares(defaultStreamLimits), now },
  }
  const open = resource.declare({ level: 'anonymous' }, { answers: 'projected' })
  return {
    judge: message => judgeMessage(message, parts),
    // The body decides which rule applies: of the head, only the signature can be judged.
    judgeHead: head => (head.method === 'POST' && isSigned(head) ? resource.judgeHead(head, open) : 'whole'),
  }
}

interface McpJudgeParts<S extends string> {
  readonly resource: Resource<S>
  readonly book: RuleBook<S>
  /** Of requests about a task. */
  readonly ofTasks: Rule<S>
  readonly proof: NameProof
  readonly context: Context
}

async function judgeMessage<S extends string>(
  message: ReceivedMessage,
  { resource, book, ofTasks, proof, context }: McpJudgeParts<S>,
): Promise<Judged<S>> {
  const rpc = readMessage(message, resource)
  if (rpc instanceof AAuthError) {
    if (resource.observed !== undefined) return { requirement: {}, authorization: resource.observed(message, rpc) }
    resource.refused(message, rpc)
    const response = rpcErrorOf(rpc, message)
    if (response === undefined) throw rpc
    resource.cors?.expose(message, response.headers)
    return { requirement: {}, authorization: { ok: false, response } }
  }
  const isOfTask = isAboutTask(rpc)
  const { requirement } = isOfTask ? ofTasks : rpc === undefined ? book.session : book.find(rpc.subject)
  const authorization = await resource.authorize(message, requirement, callOf(message, rpc))
  if (!authorization.ok || authorization.observed) return { requirement, authorization }
  const enteredBy = await entering(rpc)(message, authorization.aauth, context).catch((thrown: unknown) => {
    resource.refused(message, asAAuthError(thrown))
    throw thrown
  })
  if (enteredBy === undefined) {
    const response = sessionNotFound(error => resource.refused(message, error))
    return { requirement, authorization: { ok: false, response } }
  }
  const doubt = rpc === undefined ? undefined : book.doubt(rpc.subject)
  const before = (ask: Ask): Promise<void> =>
    proof.prove(doubt, kind => listNames(kind, rpc === undefined ? ask : askingLike(rpc, ask)))
  const through = (response: Response) => showPart(enteredBy(response), rpc, authorization)
  return { requirement, authorization, through, before: doubt === undefined ? undefined : before }
}

/**
 * The rule of requests about tasks. A task has the result of the tool that it came of, and the gateway does not know which one that
 * was: with rules of their own for some tools, a task is no way around them.
 */
function ruleOfTasks<S extends string>(
  book: RuleBook<S>,
  tools: object | undefined,
  withoutTools: () => RuleBook<S>,
): Rule<S> {
  const isOneRule = tools === undefined || Object.keys(tools).join() === '*'
  return (isOneRule ? book : withoutTools()).find({ kind: 'tool', name: '*' })
}

function isAboutTask(rpc: McpMessage | undefined): boolean {
  return rpc?.request?.method.startsWith('tasks/') === true
}

/** What the conditions of its caller let out of an answer. A stream that is being read ends with its grant. */
function showPart(
  response: Response,
  rpc: McpMessage | undefined,
  { answer, whileOpen }: Authorization & { readonly ok: true },
): Response | Promise<Response> {
  if (answer === undefined) return response
  return showMessage(whileOpen === undefined ? response : revocableResponse(response, whileOpen), rpc, answer)
}

function readMessage<S extends string>(
  message: ReceivedMessage,
  resource: Resource<S>,
): ReturnType<typeof readRpc> | undefined | AAuthError {
  try {
    checkHeaders(message)
    checkOrigin(message, resource)
    // The request was refused by its head, under the rule of the session.
    if (message.dangerouslyUnseenBody) return undefined
    if (message.method === 'POST') return readRpc(message)
    // A server that ignores the method would process such a message, and no rule would have judged it.
    if ((message.body?.length ?? 0) > 0)
      throw new AAuthError('invalid_request', 'only a POST may have a body', { reason: 'rpc_malformed' })
    return undefined
  } catch (error) {
    return asAAuthError(error)
  }
}

/** Headers that say how a message is read and handled, also for servers that turn headers into variables. */
const deciding: ReadonlySet<string> = new Set([
  'mcp-session-id',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'content-type',
  'content-encoding',
])

function checkHeaders({ headers }: ReceivedMessage): void {
  for (const [name] of headers) {
    // No rule would judge the messages on a WebSocket.
    if (name.toLowerCase() === 'sec-websocket-key')
      throw new AAuthError('invalid_request', 'MCP over WebSocket is not supported here', {
        reason: 'websocket_unsupported',
      })
    const plain = plainName(name)
    if (deciding.has(plain) && plain !== name.toLowerCase())
      throw new AAuthError('invalid_request', `${plain} must be spelled with hyphens`, { reason: 'header_ambiguous' })
  }
}

type Through = (response: Response) => Response

type Enter = (message: ReceivedMessage, aauth: AAuth, context: Context) => Promise<Through | undefined>

function entering(rpc: McpMessage | undefined): Enter {
  switch (rpc?.request?.method) {
    case 'initialize':
      return beginSession
    case 'subscriptions/listen':
      return subscribe
    default:
      return continueSession
  }
}

async function beginSession(message: ReceivedMessage, aauth: AAuth, context: Context): Promise<Through> {
  if (headerValues(message, 'mcp-session-id').length > 0)
    throw new AAuthError('invalid_request', 'initialize must not have an Mcp-Session-Id', {
      reason: 'session_id_invalid',
    })
  const owner = await ownerOf(aauth, message)
  return response => {
    const id = response.headers.get('mcp-session-id')
    if (id === null || !response.ok) return limitStream(response, { aauth, context })
    const key = keyOf(context, id)
    const known = context.sessions.get(key)
    // A server that gives the same id to two callers must not give one caller the session of the other.
    const ours = known === undefined ? owner : continueOwner(known.owner, owner, aauth.key)
    const session = ours && context.sessions.add(key, undefined, ours)
    if (session !== undefined) return limitStream(response, { aauth, context, session })
    response.body?.cancel().catch(() => undefined)
    throw new AAuthError('temporarily_unavailable', 'the server has no room for another session', {
      reason: 'capacity_exceeded',
      retryAfter: 60,
    })
  }
}

/** Handles a request in the session that it names; undefined when the session is not the caller's. */
async function continueSession(message: ReceivedMessage, aauth: AAuth, context: Context): Promise<Through | undefined> {
  const [id, ...more] = headerValues(message, 'mcp-session-id')
  if (more.length > 0)
    throw new AAuthError('invalid_request', 'Mcp-Session-Id must not be repeated', { reason: 'session_id_invalid' })
  // A server without sessions gives no ids.
  if (id === undefined) return response => limitStream(response, { aauth, context })
  // No await between reading and setting the owner: otherwise two users at the same time could both enter the session.
  const caller = await ownerOf(aauth, message)
  const session = context.sessions.get(keyOf(context, id))
  if (session === undefined) return undefined
  const owner = continueOwner(session.owner, caller, aauth.key)
  if (owner === undefined) return undefined
  context.sessions.use(session, owner)
  return response => {
    if (response.status === 404 || (message.method === 'DELETE' && response.ok)) context.sessions.remove(session.id)
    return limitStream(response, { aauth, context, session })
  }
}

/** Counts a subscription among those of its caller and its site while its stream is open. */
async function subscribe(message: ReceivedMessage, aauth: AAuth, context: Context): Promise<Through | undefined> {
  const through = await continueSession(message, aauth, context)
  const owner = await ownerOf(aauth, message)
  return through && (response => countStream(through(response), () => context.shares.enter(owner)))
}

function countStream(response: Response, enter: () => (() => void) | undefined): Response {
  const { status, headers, body } = response
  if (body === null || !isEventStream(response)) return response
  const ended = enter()
  if (ended !== undefined)
    return new Response(watchedBody(body, { seconds: longestStream, ended }), { status, headers })
  body.cancel().catch(() => undefined)
  throw new AAuthError('temporarily_unavailable', 'there is no room for another subscription of this caller', {
    reason: 'capacity_exceeded',
    retryAfter: 60,
  })
}

function keyOf({ path }: Context, id: string): string {
  return JSON.stringify([path, id])
}

interface StreamContext {
  readonly aauth: AAuth
  readonly context: Context
  readonly session?: Session<undefined>
}

/** Ends a stream with the token of its request, and keeps its session in use until then. */
function limitStream(response: Response, { aauth, context: { now, sessions }, session }: StreamContext): Response {
  const { status, headers, body } = response
  if (body === null || !isEventStream(response)) return response
  const seconds = Math.min((aauth.expires ?? Number.POSITIVE_INFINITY) - now(), longestStream)
  const ended = session === undefined ? () => undefined : sessions.enter(session)
  return new Response(watchedBody(body, { seconds, ended }), { status, headers })
}
