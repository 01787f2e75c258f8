import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { randomText } from '@countersign/httpsig/internal'
import type { Rule } from '@countersign/mcp/internal'
import { continueOwner, crowdOf, ownerOf } from '@countersign/mcp/internal'
import { refusal } from '@countersign/protocol/internal'
import type { Guarded } from '@countersign/resource'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { Endpoint, SessionParts } from './endpoint.js'
import { ownRequests } from './session/own-requests.js'
import { type Session, sessionNotFound } from './session/sessions.js'
import { standalone } from './stream/event-streams.js'
import { watchRequests } from './stream/requests.js'

/**
 * Opens a session for the caller of an `initialize`.
 * @throws AAuthError `invalid_request` when the request has a session id, `temporarily_unavailable` when there is no room
 */
export async function openSession<S extends string>(
  message: ReceivedMessage,
  aauth: Guarded,
  endpoint: Endpoint<S>,
): Promise<Session<SessionParts<S>>> {
  if (headerValues(message, 'mcp-session-id').length > 0)
    throw refusal('session_id_invalid', { about: 'initialize must have none' })
  const id = randomText()
  const owner = await ownerOf(aauth, message)
  const events = endpoint.eventsOf(crowdOf(owner))
  events.dedicate(standalone, { rule: endpoint.rules.session })
  const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: () => id, eventStore: events })
  const ruleOf = (name: string): Rule<S> => endpoint.rules.find({ kind: 'tool', name })
  const requests = watchRequests(transport, { ruleOf, events })
  const ask = ownRequests(transport)
  const server = await endpoint.createServer(aauth)
  await server.connect(transport)
  const session = endpoint.sessions.add(id, { server, transport, requests, events, ask }, owner)
  if (session !== undefined) return session
  await server.close()
  throw refusal('capacity_exceeded', { about: 'sessions', retryAfter: 60 })
}

/**
 * Finds the session that a request names.
 * @returns a response when the caller has no such session
 * @throws AAuthError `invalid_request` when the request does not name exactly one
 */
export async function findSession<S extends string>(
  message: ReceivedMessage,
  aauth: Guarded,
  { sessions, resource }: Endpoint<S>,
): Promise<Session<SessionParts<S>> | Response> {
  const refuse = (): Response => sessionNotFound(error => resource.refused(message, error))
  const [id, ...more] = headerValues(message, 'mcp-session-id')
  if (id === undefined || more.length > 0)
    throw refusal('session_id_invalid', { about: 'it must be present exactly once' })
  // No await between reading and setting the owner: otherwise two users at the same time could both enter the session.
  const caller = await ownerOf(aauth, message)
  const session = sessions.get(id)
  if (session === undefined) return refuse()
  const owner = continueOwner(session.owner, caller, aauth.key)
  if (owner === undefined) return refuse()
  sessions.use(session, owner)
  return session
}
