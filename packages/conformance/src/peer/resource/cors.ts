import { headerValue } from '../../wire/message.js'
import { type PeerAnswer, Refusal } from '../shared/refusal.js'
import type { PeerRequest } from '../shared/request.js'
import type { Site } from './site.js'

const allowed =
  'Signature, Signature-Input, Signature-Key, Content-Digest, Content-Type, Agent-Interaction, Authorization'
const exposed = 'Agent-Auth, Retry-After, RateLimit, RateLimit-Policy, Date, WWW-Authenticate'

/** Answers a request, so that pages of the one other origin may read it. @see protocol §4 */
export async function readable(
  request: PeerRequest,
  { corsOrigin }: Site,
  answer: () => Promise<PeerAnswer>,
): Promise<PeerAnswer> {
  if (corsOrigin === undefined || headerValue(request, 'origin') !== corsOrigin) return answer()
  const allow = { 'access-control-allow-origin': corsOrigin }
  if (request.method === 'OPTIONS' && headerValue(request, 'access-control-request-method') !== undefined) {
    const methods = { 'access-control-allow-methods': 'GET, HEAD, POST' }
    return { status: 204, headers: { ...allow, ...methods, 'access-control-allow-headers': allowed, vary: 'Origin' } }
  }
  const headers = { ...allow, 'access-control-expose-headers': exposed }
  try {
    const told = await answer()
    return { ...told, headers: { ...told.headers, ...headers } }
  } catch (error) {
    throw error instanceof Refusal ? error.with({ headers }) : error
  }
}
