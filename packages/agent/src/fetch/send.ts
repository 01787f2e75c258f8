import type { SigningKeyError } from '@countersign/httpsig'
import { signCheckedRequest } from '@countersign/httpsig/internal'
import type { Level } from '@countersign/protocol'
import { offPage } from '@countersign/protocol/internal'
import { unreachableFacts } from '#post-fetch'
import { AgentError } from '../error.js'
import { unlessAborted } from '../wire/single-flight.js'
import type { Line, WebBotAuth } from './bot-signer.js'
import type { ClimbContext } from './climb-context.js'
import type { Outgoing } from './outgoing.js'
import type { RequestAuth } from './request-auth.js'
import type { StepLog } from './step-log.js'

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

/** Sends a request as it is to be shown, with the code of an interaction where there is one. @throws AgentError `network` */
export async function send(state: PreparedRequest): Promise<Response> {
  const { context, log, auth } = state
  const request = withCode(offPage ? withBot(state) : state)
  const { method, url, headers, body, signal } = request
  const signed = await unlessAborted(request, () => (offPage ? signTwice(request, state) : signatureHeaders(state)))
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

/** Whether a user has approved this very request. */
const isApproved = (auth: RequestAuth): boolean => auth.level === 'authorized' && auth.grant.approves !== undefined

/** The request as it is sent: without a signature that covers it, anyone who sees the code could use it. */
function withCode({ request, auth, code }: PreparedRequest): Outgoing {
  return code === undefined || !('self' in auth)
    ? request
    : { ...request, headers: [...request.headers, [codeHeader, code]] }
}

/** With the header of the bot that the agent is, too: a resource may demand that its signature covers it. */
function withBot(state: PreparedRequest): PreparedRequest {
  const { request, context } = state
  const named = context.webBotAuth?.headers(request.url.origin) ?? []
  return named.length === 0 ? state : { ...state, request: { ...request, headers: [...request.headers, ...named] } }
}

/** The headers that sign a request as the agent's, and after them those of the bot, which cover them. */
function signTwice(request: Outgoing, state: PreparedRequest): Promise<ReadonlyArray<Line>> {
  const { webBotAuth } = state.context
  return webBotAuth === undefined ? signatureHeaders(state) : signAsBot(request, state, webBotAuth)
}

async function signAsBot(
  request: Outgoing,
  state: PreparedRequest,
  webBotAuth: WebBotAuth,
): Promise<ReadonlyArray<Line>> {
  const own = await signatureHeaders(state)
  const { now } = state.context
  return [...own, ...(await webBotAuth.sign({ ...request, headers: [...request.headers, ...own] }, now))]
}

/** The headers that sign a request; none for an unsigned one. */
export async function signatureHeaders(state: PreparedRequest): Promise<ReadonlyArray<readonly [string, string]>> {
  const { auth } = state
  if (auth.level === 'anonymous') return []
  const { key, signatureKey } = auth
  const { method, url, headers, body } = withCode(offPage ? withBot(state) : state)
  const { components, now } = state.context
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
