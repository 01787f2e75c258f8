import { headerValues, parseSignatureKey, type ReceivedMessage } from '@countersign/httpsig'
import { isIdentifier, parseToken } from '@countersign/protocol'
import type { Observer } from '../guard/event.js'

/** Where identifiers may be those of development mode. */
interface Reading {
  readonly development: boolean
}

/** An observer that adds to a refusal before verification which agent the request claims to be from. */
export function claiming(tell: Observer, message: ReceivedMessage, reading: Reading): Observer {
  return event => {
    if (event.type !== 'refused' || event.aauth !== undefined) return tell(event)
    const claimed = claimedAgent(message, reading)
    tell(claimed === undefined ? event : { ...event, claimed })
  }
}

/** The claim is unverified: only an identifier gets into a record, no other text and nothing about a user (LOG-01, LOG-04). */
function claimedAgent(message: ReceivedMessage, reading: Reading): string | undefined {
  const [value, ...more] = headerValues(message, 'signature-key')
  if (value === undefined || more.length > 0) return undefined
  try {
    const { key } = parseSignatureKey(value)
    if (key.scheme === 'hwk') return undefined
    const agent = key.scheme === 'jwks_uri' ? key.id : agentIn(key.jwt, reading)
    return isIdentifier(agent, reading) ? agent : undefined
  } catch {
    return undefined
  }
}

function agentIn(jwt: string, reading: Reading): unknown {
  const { typ, iss, payload } = parseToken(jwt, ['agent+jwt', 'auth+jwt'], reading)
  return typ === 'agent+jwt' ? iss : payload['agent']
}
