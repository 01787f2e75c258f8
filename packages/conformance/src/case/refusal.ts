import { type Exchange, headerValue, jsonBody, type WireResponse } from '../wire/message.js'

/** How a request must be refused. */
export interface Refusal {
  readonly status: number | readonly number[]
  /** Codes of protocol §8; any of them will do. */
  readonly error?: string | readonly string[]
  /** Parameters that `Agent-Auth` must have; `none`: there must be no such header. */
  readonly challenge?: readonly string[] | 'none'
  /** A server may also close the connection: its HTTP parser refuses such bytes by itself. */
  readonly orClosed?: boolean
}

/** The names of {@link refusals}. */
export type RefusalName =
  | 'signature'
  | 'scheme'
  | 'algorithm'
  | 'replay'
  | 'agentToken'
  | 'authToken'
  | 'issuer'
  | 'level'
  | 'scope'
  | 'policy'
  | 'target'
  | 'request'
  | 'unknownScope'

/** The refusals of protocol §8, by their code. */
export const refusals: Readonly<Record<RefusalName, Refusal>> = {
  signature: { status: 401, error: 'invalid_signature' },
  scheme: { status: 401, error: 'unsupported_scheme' },
  algorithm: { status: 401, error: 'unsupported_algorithm' },
  replay: { status: 401, error: 'replay_detected', challenge: 'none' },
  agentToken: { status: 401, error: 'invalid_agent_token' },
  authToken: { status: 401, error: 'invalid_auth_token' },
  issuer: { status: 401, error: 'untrusted_issuer' },
  level: { status: 401, error: 'insufficient_level' },
  scope: { status: 403, error: 'insufficient_scope' },
  policy: { status: 403, error: 'policy_denied' },
  target: { status: 400, error: 'invalid_request' },
  request: { status: 400, error: 'invalid_request' },
  unknownScope: { status: 400, error: 'invalid_scope' },
}

/** The error codes of protocol §8. */
export const errorCodes: ReadonlySet<string> = new Set([
  'invalid_request',
  'invalid_signature',
  'unsupported_scheme',
  'unsupported_algorithm',
  'replay_detected',
  'invalid_agent_token',
  'invalid_auth_token',
  'untrusted_issuer',
  'insufficient_level',
  'interaction_required',
  'discovery_failed',
  'insufficient_scope',
  'policy_denied',
  'invalid_resource_token',
  'invalid_grant',
  'invalid_scope',
  'unsupported_request_type',
  'authorization_pending',
  'slow_down',
  'expired_token',
  'unauthorized_client',
  'access_denied',
  'rate_limited',
  'temporarily_unavailable',
  'server_error',
])

/** Why a response is not the refusal that it must be. */
export interface RefusalProblem {
  readonly kind: 'no response' | 'accepted' | 'status' | 'error' | 'challenge'
  readonly text: string
}

/** Compares a response with the refusal that it must be; undefined where it is that. */
export function refusalProblem(exchange: Exchange, refusal: Refusal): RefusalProblem | undefined {
  const { response, trouble } = exchange
  if (response === undefined) {
    const closed = exchange.received.length === 0 && trouble?.startsWith('no whole response') !== true
    const isRight = refusal.orClosed === true && closed
    return isRight ? undefined : { kind: 'no response', text: trouble ?? 'nothing came back' }
  }
  if (response.status >= 200 && response.status < 400) return { kind: 'accepted', text: 'it was accepted' }
  if (![refusal.status].flat().includes(response.status))
    return { kind: 'status', text: `the status is ${response.status}` }
  const wanted = refusal.error === undefined ? [] : [refusal.error].flat()
  const error = String(jsonBody(response)?.['error'])
  if (wanted.length > 0 && !wanted.includes(error)) return { kind: 'error', text: `the error is ${error}` }
  const text = challengeProblem(headerValue(response, 'agent-auth'), refusal.challenge)
  return text === undefined ? undefined : { kind: 'challenge', text }
}

function challengeProblem(header: string | undefined, challenge: Refusal['challenge']): string | undefined {
  if (challenge === undefined) return undefined
  if (challenge === 'none') return header === undefined ? undefined : 'it has Agent-Auth'
  if (header === undefined) return 'it has no Agent-Auth'
  const missing = challenge.filter(parameter => !header.includes(parameter))
  return missing.length === 0 ? undefined : `Agent-Auth has no ${missing.join(', ')}`
}

/** A refusal in words. */
export function describeRefusal(refusal: Refusal): string {
  const { challenge, orClosed } = refusal
  const asks = challenge === undefined ? '' : challenge === 'none' ? ', no Agent-Auth' : `, ${challenge.join(', ')}`
  return `${refusalWords(refusal)}${asks}${orClosed === true ? ', or a closed connection' : ''}`
}

/** The status and error of a refusal. */
export function refusalWords({ status, error }: Refusal): string {
  const statuses = [status].flat().join(' or ')
  return error === undefined ? statuses : `${statuses} ${[error].flat().join(' or ')}`
}

/** A response in words. */
export function describeResponse({ response, trouble }: Exchange): string {
  if (response === undefined) return `the answer: ${trouble ?? 'none'}`
  const body = jsonBody(response)
  const words = [body?.['error'], body?.['reason']].filter(word => typeof word === 'string').join(' ')
  return `the answer: ${response.status}${words === '' ? '' : ` ${words}`}`
}

/** What a response says in short. */
export interface Answered {
  readonly status: number
  readonly error?: string
  readonly reason?: string
}

/** Status, error and reason of a response; of the two words only those that are names, as error codes are. */
export function answeredWith(response: WireResponse): Answered {
  const body = jsonBody(response)
  const named = (member: string): Record<string, string> => {
    const word = body?.[member]
    return typeof word === 'string' && /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/.test(word) ? { [member]: word } : {}
  }
  return { status: response.status, ...named('error'), ...named('reason') }
}
