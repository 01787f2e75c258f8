import type { ReceivedMessage } from '@countersign/httpsig'
import {
  type Ask,
  callOf,
  checkOrigin,
  defaultStreamLimits,
  listNames,
  type McpMessage,
  type NameProof,
  nameProof,
  type Rule,
  type RuleBook,
  readRpc,
  rpcErrorOf,
  ruleBook,
  showMessage,
  streamShares,
} from '@countersign/mcp/internal'
import type { McpRules } from '@countersign/mcp-sdk1'
import { sessionNotFound } from '@countersign/mcp-sdk1/internal'
import { AAuthError } from '@countersign/protocol'
import { asAAuthError, refusal } from '@countersign/protocol/internal'
import { type Authorization, type Requirement, type Resource, revocableResponse } from '@countersign/resource'
import { plainName } from './header-rules.js'
import type { Judged, RouteJudge } from './judged.js'
import { entering, type McpPlace } from './mcp-enter.js'
import { rulesWithin } from './mcp-rules.js'
import { askingLike } from './mcp-stateless.js'
import { reporting } from './reporting.js'

/** The requirements at the endpoint of an MCP server. */
export interface McpRoute<S extends string> {
  readonly path: string
  readonly rules: McpRules<S>
  /** Components that signatures must cover in addition to those of an MCP server. */
  readonly components: readonly string[]
}

/**
 * Judges requests to an MCP server that does not speak AAuth, by the tool, prompt or resource that a message names and by the owner
 * of its session. The server gets the same bytes that were judged; a message that two parsers could read differently is refused.
 * @throws TypeError for a requirement that no caller could meet
 */
export function mcpJudge<S extends string>(
  resource: Resource<S>,
  { path, rules, components }: McpRoute<S>,
  { sessions, now }: Pick<McpPlace, 'sessions' | 'now'>,
): RouteJudge<S> {
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
    place: { path, sessions, shares: streamShares(defaultStreamLimits), now },
  }
  return {
    // The body decides which rule applies: of the head, only the signature can be judged.
    read: message => resource.read(message),
    judge: message => judgeMessage(message, parts),
  }
}

interface McpJudgeParts<S extends string> {
  readonly resource: Resource<S>
  readonly book: RuleBook<S>
  /** Of requests about a task. */
  readonly ofTasks: Rule<S>
  readonly proof: NameProof
  readonly place: McpPlace
}

async function judgeMessage<S extends string>(
  message: ReceivedMessage,
  { resource, book, ofTasks, proof, place }: McpJudgeParts<S>,
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
  const entered = await entering(rpc)(message, authorization.aauth, place).catch(reporting(resource, message))
  if (entered === undefined) {
    const response = sessionNotFound(error => resource.refused(message, error))
    return { requirement, authorization: { ok: false, response } }
  }
  const doubt = rpc === undefined ? undefined : book.doubt(rpc.subject)
  const before = (ask: Ask): Promise<void> =>
    proof.prove(doubt, kind => listNames(kind, rpc === undefined ? ask : askingLike(rpc, ask)))
  const through = (response: Response) => showPart(entered.through(response), rpc, authorization)
  return { requirement, authorization, through, leave: entered.leave, before: doubt === undefined ? undefined : before }
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
async function showPart(
  response: Response,
  rpc: McpMessage | undefined,
  { answer, whileOpen }: Authorization & { readonly ok: true },
): Promise<Response> {
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
    // Its signature or body does not verify: it is refused under the rule of the session.
    if (message.unread !== undefined) return undefined
    if (message.method === 'POST') return readRpc(message)
    // A server that ignores the method would process such a message, and no rule would have judged it.
    if ((message.body?.length ?? 0) > 0) throw refusal('rpc_malformed', { about: 'only a POST may have a body' })
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
    if (name.toLowerCase() === 'sec-websocket-key') throw refusal('websocket_unsupported')
    const plain = plainName(name)
    if (deciding.has(plain) && plain !== name.toLowerCase())
      throw refusal('header_ambiguous', { about: `${plain} must be spelled with hyphens` })
  }
}
