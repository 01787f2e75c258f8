import { operationDigest } from '../../signing/operation-digest.js'
import type { Documents } from '../shared/documents.js'
import { isObject, isTexts, type JsonObject } from '../shared/json.js'
import { badRequest } from '../shared/refusal.js'
import { checkToken, readJws, resourceToken } from '../shared/token.js'
import type { Challenge } from './challenge.js'
import { GaveUp, now, ownKey, type Settings } from './settings.js'

/** What a resource token asks for. */
export interface Asked {
  readonly token: string
  readonly authServer: string
  readonly scope: string
  /** The digest of the one request that a user is to approve. */
  readonly operation?: string | undefined
}

/** Checks the resource token of a challenge. @see protocol §4 @throws GaveUp */
export async function checkResourceToken(
  challenge: Extract<Challenge, { asks: 'auth-token' }>,
  o: {
    readonly settings: Settings
    readonly documents: Documents
    /** The origin that was called. */
    readonly resource: string
    /** The signature base of the request that was challenged. */
    readonly base: string
  },
): Promise<Asked> {
  const { settings, documents, resource } = o
  const { authServer } = challenge
  if (!settings.authServers.includes(authServer)) throw new GaveUp('the auth server is not accepted')
  const jws = readJws(challenge.resourceToken, badRequest)
  await checkToken(jws, resourceToken, { documents, now, isTrusted: iss => iss === resource })
  const { aud, agent, agent_delegate, agent_jkt, scope, operation } = jws.claims
  if (agent !== settings.id) throw new GaveUp('the resource token is for another agent')
  if (agent_delegate !== undefined) throw new GaveUp('the resource token is for a delegate')
  if (agent_jkt !== ownKey(settings).thumbprint) throw new GaveUp('the resource token is for another key')
  if (aud !== authServer) throw new GaveUp('the resource token is for another auth server')
  const asked = { token: challenge.resourceToken, authServer, scope: String(scope) }
  return isObject(operation) ? { ...asked, operation: checkOperation(operation, o.base) } : asked
}

/** A user must not be asked about a request that is not the agent's own. @see protocol §9.4 */
function checkOperation({ digest, display }: JsonObject, base: string): string {
  if (display !== undefined && !isTexts(display)) throw new GaveUp('the operation shows no texts')
  if (digest !== operationDigest(base, display)) throw new GaveUp('the operation is another request')
  return digest
}
