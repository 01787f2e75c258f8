import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import {
  continueOwner,
  isEventStream,
  type McpMessage,
  type Owner,
  ownerOf,
  type StreamShares,
  watchedBody,
} from '@countersign/mcp/internal'
import { createSessions, defaultSessionLimits, type Session, type Sessions } from '@countersign/mcp-sdk1/internal'
import { refusal } from '@countersign/protocol/internal'
import type { AAuth } from '@countersign/resource'

/** The owners of sessions of the MCP servers behind a gateway; kept over a reload. */
export type McpSessions = Sessions<undefined>

/** @param now Unix seconds */
export function mcpSessions(now: () => number): McpSessions {
  return createSessions({ ...defaultSessionLimits, now, end: () => undefined })
}

/** What requests to one MCP server enter. */
export interface McpPlace {
  readonly path: string
  readonly sessions: McpSessions
  /** Of subscriptions. */
  readonly shares: StreamShares
  readonly now: () => number
}

/** A request that may be forwarded. */
export interface Entered {
  /** Filters the server's response. What the request holds is given back, or kept until the stream of the response ends. */
  through(response: Response): Response
  /** Gives back what the request holds, where it gets no response. Further calls do nothing. */
  leave(): void
}

/** Seconds that a stream lasts at most; it also ends with the token of the request that opened it. */
const longestStream = 3600

type Enter = (message: ReceivedMessage, aauth: AAuth, place: McpPlace) => Promise<Entered | undefined>

/**
 * How a message is entered: where a session or subscription begins, or in the session that it names; undefined when that is not the
 * caller's.
 */
export function entering(rpc: McpMessage | undefined): Enter {
  switch (rpc?.request?.method) {
    case 'initialize':
      return beginSession
    case 'subscriptions/listen':
      return subscribe
    default:
      return continueSession
  }
}

const nothingHeld = (through: Entered['through']): Entered => ({ through, leave: () => undefined })

async function beginSession(message: ReceivedMessage, aauth: AAuth, place: McpPlace): Promise<Entered> {
  if (headerValues(message, 'mcp-session-id').length > 0)
    throw refusal('session_id_invalid', { about: 'initialize must have none' })
  const owner = await ownerOf(aauth, message)
  return nothingHeld(response => {
    const id = response.headers.get('mcp-session-id')
    if (id === null || !response.ok) return limitStream(response, { aauth, place })
    const key = keyOf(place, id)
    const known = place.sessions.get(key)
    const session =
      known === undefined ? place.sessions.add(key, undefined, owner) : again(known, owner, { aauth, place })
    if (session !== undefined) return limitStream(response, { aauth, place, session })
    response.body?.cancel().catch(() => undefined)
    throw refusal('capacity_exceeded', { about: 'sessions', retryAfter: 60 })
  })
}

/**
 * The session that a server gives a second time: to its owner the same one, in the same place and with the streams that are open in it;
 * to another caller none.
 */
function again(
  session: Session<undefined>,
  caller: Owner,
  { aauth, place }: Omit<StreamContext, 'session'>,
): Session<undefined> | undefined {
  const owner = continueOwner(session.owner, caller, aauth.key)
  if (owner === undefined) return undefined
  place.sessions.use(session, owner)
  return session
}

/** Handles a request in the session that it names; undefined when the session is not the caller's. */
async function continueSession(message: ReceivedMessage, aauth: AAuth, place: McpPlace): Promise<Entered | undefined> {
  const [id, ...more] = headerValues(message, 'mcp-session-id')
  if (more.length > 0) throw refusal('session_id_invalid', { about: 'it must not be repeated' })
  // A server without sessions gives no ids.
  if (id === undefined) return nothingHeld(response => limitStream(response, { aauth, place }))
  // No await between reading and setting the owner: otherwise two users at the same time could both enter the session.
  const caller = await ownerOf(aauth, message)
  const session = place.sessions.get(keyOf(place, id))
  if (session === undefined) return undefined
  const owner = continueOwner(session.owner, caller, aauth.key)
  if (owner === undefined) return undefined
  place.sessions.use(session, owner)
  return nothingHeld(response => {
    if (response.status === 404 || (message.method === 'DELETE' && response.ok)) place.sessions.remove(session.id)
    return limitStream(response, { aauth, place, session })
  })
}

/**
 * Counts a subscription among those of its caller and its site: before the server is asked, as a server that takes its time would let a
 * caller begin any number, and while its stream is open.
 * @throws AAuthError `temporarily_unavailable` for one too many
 */
async function subscribe(message: ReceivedMessage, aauth: AAuth, place: McpPlace): Promise<Entered | undefined> {
  const entered = await continueSession(message, aauth, place)
  if (entered === undefined) return undefined
  const leave = place.shares.enter(await ownerOf(aauth, message))
  if (leave === undefined) throw refusal('capacity_exceeded', { about: 'subscriptions of this caller', retryAfter: 60 })
  return {
    leave,
    through(response) {
      const passed = entered.through(response)
      const { status, headers, body } = passed
      if (body !== null && isEventStream(passed))
        return new Response(watchedBody(body, { seconds: longestStream, ended: leave }), { status, headers })
      leave()
      return passed
    },
  }
}

function keyOf({ path }: McpPlace, id: string): string {
  return JSON.stringify([path, id])
}

interface StreamContext {
  readonly aauth: AAuth
  readonly place: McpPlace
  readonly session?: Session<undefined>
}

/** Ends a stream with the token of its request, and keeps its session in use until then. */
function limitStream(response: Response, { aauth, place: { now, sessions }, session }: StreamContext): Response {
  const { status, headers, body } = response
  if (body === null || !isEventStream(response)) return response
  const seconds = Math.min((aauth.expires ?? Number.POSITIVE_INFINITY) - now(), longestStream)
  const ended = session === undefined ? () => undefined : sessions.enter(session)
  return new Response(watchedBody(body, { seconds, ended }), { status, headers })
}
