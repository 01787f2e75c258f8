import { type Exchange, headerValue, jsonBody } from '../wire/message.js'

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

/** Says why a response is not the refusal that it must be; undefined where it is. */
export function refusalProblem(exchange: Exchange, refusal: Refusal): string | undefined {
  const { response, trouble } = exchange
  if (response === undefined) {
    const closed = exchange.received.length === 0 && trouble?.startsWith('no whole response') !== true
    return refusal.orClosed === true && closed ? undefined : (trouble ?? 'nothing came back')
  }
  if (response.status >= 200 && response.status < 400) return 'it was accepted'
  if (![refusal.status].flat().includes(response.status)) return `the status is ${response.status}`
  const wanted = refusal.error === undefined ? [] : [refusal.error].flat()
  const error = String(jsonBody(response)?.['error'])
  if (wanted.length > 0 && !wanted.includes(error)) return `the error is ${error}`
  return challengeProblem(headerValue(response, 'agent-auth'), refusal.challenge)
}

function challengeProblem(header: string | undefined, challenge: Refusal['challenge']): string | undefined {
  if (challenge === undefined) return undefined
  if (challenge === 'none') return header === undefined ? undefined : 'it has Agent-Auth'
  if (header === undefined) return 'it has no Agent-Auth'
  const missing = challenge.filter(parameter => !header.includes(parameter))
  return missing.length === 0 ? undefined : `Agent-Auth has no ${missing.join(', ')}`
}

/** A refusal in words. */
export function describeRefusal({ status, error, challenge, orClosed }: Refusal): string {
  const statuses = [status].flat().join(' or ')
  const errors = error === undefined ? '' : ` ${[error].flat().join(' or ')}`
  const asks = challenge === undefined ? '' : challenge === 'none' ? ', no Agent-Auth' : `, ${challenge.join(', ')}`
  return `${statuses}${errors}${asks}${orClosed === true ? ', or a closed connection' : ''}`
}

/** A response in words. */
export function describeResponse({ response, trouble }: Exchange): string {
  if (response === undefined) return `the answer: ${trouble ?? 'none'}`
  const body = jsonBody(response)
  const words = [body?.['error'], body?.['reason']].filter(word => typeof word === 'string').join(' ')
  return `the answer: ${response.status}${words === '' ? '' : ` ${words}`}`
}
