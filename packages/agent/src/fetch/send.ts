import type { SigningKeyError } from '@countersign/httpsig'
import { signCheckedRequest } from '@countersign/httpsig/internal'
import type { Level } from '@countersign/protocol'
import { unreachableFacts } from '#post-fetch'
import { AgentError } from '../error.js'
import type { StepLog } from '../explanation.js'
import { unlessAborted } from '../wire/single-flight.js'
import type { ClimbContext, Line } from './climb-context.js'
import type { Outgoing } from './outgoing.js'
import type { RequestAuth } from './request-auth.js'

/** A request, and how it is authenticated. */
export interface PreparedRequest {
  readonly context: ClimbContext
  readonly log: StepLog
  readonly request: Outgoing
  readonly auth: RequestAuth
  /** The interaction code of this resource, as `Agent-Interaction` carries it. */
  readonly code: string | undefined
}

const describeAuth: Readonly<Record<Level, string>> = {
  anonymous: 'unsigned',
  pseudonymous: 'signed by a pseudonymous key',
  identified: 'signed, saying who the agent is',
  authorized: 'signed, with an auth token',
}

const codeHeader = 'agent-interaction'

/** Whether a method is safe, so that the request may be repeated. */
export const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS'

/** Signs a request and sends it. @throws AgentError `network` */
export async function send(state: PreparedRequest): Promise<Response> {
  const { context, log, auth } = state
  const request = requestToSign(state)
  const { method, url, headers, body, signal } = request
  const signed = await unlessAborted(request, () => signatureLines(request, state))
  const init: RequestInit = {
    ...request.init,
    method,
    headers: [...headers, ...signed].map(([name, value]): [string, string] => [name, value]),
    body: body ?? null,
    redirect: 'manual',
    signal: signal ?? null,
  }
  try {
    const response = await unlessAborted(request, () => context.fetch(url.href, init))
    log.note(
      url.origin,
      auth.level === 'anonymous' ? 'request' : 'sign',
      `${method} ${url.pathname} ${describeAuth[auth.level]}`,
      response.status,
    )
    return response
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason
    const { reason } = unreachableFacts(error)
    const why = reason === undefined ? '' : ` (${reason})`
    const doubt = isSafe(method) && !isApproved(auth) ? '' : ': it may have acted on the request'
    throw new AgentError('network', `${url.host} could not be reached, or its answer was lost${why}${doubt}`, error)
  }
}

/** The lines that sign a request as the agent's; none at level *anonymous*. */
export function ownSignature(state: PreparedRequest): Promise<ReadonlyArray<Line>> {
  return signAsAgent(requestToSign(state), state)
}

/** Whether a user has approved this very request. */
const isApproved = (auth: RequestAuth): boolean => auth.level === 'authorized' && auth.grant.approves !== undefined

/** The request with all that its signature may have to cover: the header of the bot that the agent is, too, and its interaction code. */
function requestToSign({ request, auth, code, context }: PreparedRequest): Outgoing {
  const named = context.webBotAuth?.headers(request.url.origin) ?? []
  // Without a signature that covers it, anyone who sees the code could use it.
  const coded: Line[] = code === undefined || !('self' in auth) ? [] : [[codeHeader, code]]
  return { ...request, headers: [...request.headers, ...named, ...coded] }
}

/** The lines that sign a request as the agent's, and after them those of the bot, which cover them. */
async function signatureLines(request: Outgoing, state: PreparedRequest): Promise<ReadonlyArray<Line>> {
  const { webBotAuth, now } = state.context
  const own = await signAsAgent(request, state)
  if (webBotAuth === undefined) return own
  return [...own, ...(await webBotAuth.sign({ ...request, headers: [...request.headers, ...own] }, now))]
}

async function signAsAgent(request: Outgoing, { auth, context }: PreparedRequest): Promise<ReadonlyArray<Line>> {
  if (auth.level === 'anonymous') return []
  const { key, signatureKey } = auth
  const { method, url, headers, body } = request
  const { components, now } = context
  const wanted = components.get(url.origin) ?? []
  const usual = { method, url, headers, key, signatureKey, now, ...(body === undefined ? {} : { body }) }
  const sign = (more: readonly string[]): ReturnType<typeof signCheckedRequest> =>
    signCheckedRequest({ ...usual, additionalComponents: [codeHeader, ...more] })
  try {
    return await sign(wanted)
  } catch (error) {
    if (wanted.length === 0 || (error as Partial<SigningKeyError>).transient) throw error
    // The components that the resource demands cannot be signed (too many headers, or one that is not ASCII). Sent without
    // them, the request gets the resource's own refusal.
    return sign([])
  }
}
