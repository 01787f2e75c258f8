import { headerValues, isSigned, type ReceivedMessage } from '@countersign/httpsig'
import {
  type Ask,
  checkOrigin,
  createSessions,
  defaultSessionLimits,
  isEventStream,
  listNames,
  type McpRules,
  nameProof,
  ownerOf,
  readRpc,
  ruleBook,
  type Session,
  type Sessions,
  sessionNotFound,
  succeeded,
  watchedBody,
} from '@countersign/mcp/rules'
import { AAuthError, asAAuthError } from '@countersign/protocol'
import type { AAuth, Requirement, Resource } from '@countersign/resource'
import { plainName } from './forwarded-headers.js'
import type { Judge, Judged, Judges } from './judged.js'
import { rulesWithin } from './mcp-rules.js'

/** Sessions of the MCP servers behind a gateway: whose they are. They outlive a reload. */
export type McpSessions = Sessions<undefined>

/** @param now Unix seconds */
export function mcpSessions(now: () => number): McpSessions {
  return createSessions({ ...defaultSessionLimits, now, end: () => undefined })
}

/** What is asked at the endpoint of an MCP server. */
export interface McpRoute<S extends string> {
  readonly path: string
  readonly rules: McpRules<S>
  /** What signatures must cover beside what an MCP server asks. */
  readonly components: readonly string[]
}

interface Context {
  readonly path: string
  readonly sessions: McpSessions
  readonly now: () => number
}

/** Seconds that a stream lasts at most; it also ends with the token of the request that opened it. */
const longestStream = 3600

/**
 * Judges requests to an MCP server that knows nothing of AAuth: by the tool, prompt or resource that a message names, and by whose
 * its session is. The server gets the very bytes that were read; what two readers could read differently never arrives.
 * @throws TypeError for a requirement nobody could meet
 */
export function mcpJudge<S extends string>(
  resource: Resource<S>,
  { path, rules, components }: McpRoute<S>,
  { sessions, now }: Omit<Context, 'path'>,
): Judges<S> {
  const { session, optional = [], ...named } = rules
  // Joined with a function, its lists would be looked at no more.
  for (const { deny } of Object.values(named).flatMap(Object.values<Requirement<S>>))
    if (deny !== undefined) resource.declare({ level: 'identified', deny })
  const within = session === undefined ? rules : { session, optional, ...rulesWithin(session, named) }
  const book = ruleBook(resource, within, { name: path, components })
  const context = { path, sessions, now }
  const proof = nameProof()
  const open = resource.declare({ level: 'anonymous' })
  const judge: Judge<S> = async message => {
    const rpc = readable(message, resource)
    if (rpc instanceof AAuthError) {
      if (resource.observed !== undefined) return { requirement: {}, authorization: resource.observed(message, rpc) }
      resource.refused(message, rpc)
      throw rpc
    }
    const { requirement } = rpc === undefined ? book.session : book.find(rpc.subject)
    const authorization = await resource.authorize(message, requirement)
    if (!authorization.ok || authorization.observed) return { requirement, authorization }
    const { aauth } = authorization
    const begins = rpc?.request?.method === 'initialize'
    const enter = begins ? beginning : going
    const through = await enter(message, aauth, context).catch((thrown: unknown) => {
      resource.refused(message, asAAuthError(thrown))
      throw thrown
    })
    const doubt = rpc === undefined ? undefined : book.doubt(rpc.subject)
    const before = async (ask: Ask): Promise<void> => {
      await proof.prove(doubt, kind => listNames(kind, ask))
    }
    if (through !== undefined)
      return { requirement, authorization, through, ...(doubt === undefined ? {} : { before }) }
    const response = sessionNotFound(error => resource.refused(message, error))
    return { requirement, authorization: { ok: false, response } }
  }
  return {
    judge,
    // The body says which rule a request is for: its head can only fail to verify.
    judgeHead: head => (head.method === 'POST' && isSigned(head) ? resource.judgeHead(head, open) : 'whole'),
  }
}

function readable<S extends string>(
  message: ReceivedMessage,
  resource: Resource<S>,
): ReturnType<typeof readRpc> | undefined | AAuthError {
  try {
    checkHeaders(message)
    checkOrigin(message, resource)
    // Refused by its head, under the rule of the session.
    if (message.dangerouslyUnseenBody) return undefined
    if (message.method === 'POST') return readRpc(message)
    // To a server that does not look at the method it would be one, and no rule would be asked.
    if ((message.body?.length ?? 0) > 0) throw new AAuthError('invalid_request', 'only a POST brings a message')
    return undefined
  } catch (error) {
    return asAAuthError(error)
  }
}

/** What decides under which rule and in whose session a message is, also to servers that make variables of headers. */
const deciding: ReadonlySet<string> = new Set(['mcp-session-id', 'content-type', 'content-encoding'])

function checkHeaders({ headers }: ReceivedMessage): void {
  for (const [name] of headers) {
    // What is said on a WebSocket would go by no rule.
    if (name.toLowerCase() === 'sec-websocket-key')
      throw new AAuthError('invalid_request', 'an MCP server is not spoken to on a WebSocket here')
    const plain = plainName(name)
    if (deciding.has(plain) && plain !== name.toLowerCase())
      throw new AAuthError('invalid_request', `${plain} is spelled with hyphens`)
  }
}

type Through = NonNullable<Judged<string>['through']>

async function beginning(message: ReceivedMessage, aauth: AAuth, context: Context): Promise<Through> {
  if (headerValues(message, 'mcp-session-id').length > 0)
    throw new AAuthError('invalid_request', 'a session is opened without the id of another')
  const owner = await ownerOf(aauth, message)
  return response => {
    const id = response.headers.get('mcp-session-id')
    if (id === null || !response.ok) return lasting(response, aauth, context)
    const key = keyOf(context, id)
    const known = context.sessions.get(key)
    // A server that gives the same id to two must not give one the session of the other.
    const ours = known === undefined ? owner : succeeded(known.owner, owner, aauth.key)
    const session = ours && context.sessions.add(key, undefined, ours)
    if (session !== undefined) return lasting(response, aauth, context, session)
    response.body?.cancel().catch(() => undefined)
    throw new AAuthError('temporarily_unavailable', 'there is no room for another session', { retryAfter: 60 })
  }
}

/** In the session that the request names; undefined where that is not the caller's. */
async function going(message: ReceivedMessage, aauth: AAuth, context: Context): Promise<Through | undefined> {
  const [id, ...more] = headerValues(message, 'mcp-session-id')
  if (more.length > 0) throw new AAuthError('invalid_request', 'Mcp-Session-Id is there more than once')
  // A server without sessions gives no ids.
  if (id === undefined) return response => lasting(response, aauth, context)
  // Nothing is waited for between the look at the owner and its change, or two users who come at once would both get in.
  const caller = await ownerOf(aauth, message)
  const session = context.sessions.get(keyOf(context, id))
  if (session === undefined) return undefined
  const owner = succeeded(session.owner, caller, aauth.key)
  if (owner === undefined) return undefined
  context.sessions.use(session, owner)
  return response => {
    if (response.status === 404 || (message.method === 'DELETE' && response.ok)) context.sessions.remove(session.id)
    return lasting(response, aauth, context, session)
  }
}

function keyOf({ path }: Context, id: string): string {
  return JSON.stringify([path, id])
}

/** A stream lasts as long as what has opened it; its session is in use meanwhile. */
function lasting(response: Response, aauth: AAuth, { now, sessions }: Context, session?: Session<undefined>): Response {
  const { status, headers, body } = response
  if (body === null || !isEventStream(response)) return response
  const seconds = Math.min((aauth.expires ?? Number.POSITIVE_INFINITY) - now(), longestStream)
  const ended = session === undefined ? () => undefined : sessions.enter(session)
  return new Response(watchedBody(body, { seconds, ended }), { status, headers })
}
