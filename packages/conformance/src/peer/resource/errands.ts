import { headerValue } from '../../wire/message.js'
import type { Caller } from '../shared/caller.js'
import { covers } from '../shared/components.js'
import { badSignature, type PeerAnswer, type Refusal, refusing } from '../shared/refusal.js'
import type { PeerRequest } from '../shared/request.js'
import { publishedJson } from '../shared/server.js'
import type { Signature } from '../shared/signature.js'
import { isInnerList, readDictionary } from '../shared/strict-field.js'
import type { Errand } from './errand.js'
import { secret } from './outgoing.js'
import type { Site } from './site.js'

/** A request that a route let pass, and who made it. */
export interface Called {
  readonly request: PeerRequest
  readonly signature: Signature
  readonly caller: Caller
  readonly site: Site
}

/** Whose the result of an errand is: a new token of the same user and agent may use it. */
export function whoIs({ claims = {} }: Caller): string {
  const { iss, sub, agent, agent_delegate } = claims
  return JSON.stringify([iss, sub, agent, agent_delegate])
}

/** Where auth servers send browsers back to. */
export const callbackOf = (id: string): string => `${id}/interaction/callback`

/** A resource that calls others is an agent, too. @see protocol §1 */
export function agentDocument(id: string): PeerAnswer {
  return publishedJson({ issuer: id, agent: id, jwks_uri: `${id}/jwks.json`, redirect_uris: [callbackOf(id)] })
}

/** Begins an errand, and asks its caller for the user. */
export function askForUser(
  { caller, site }: Called,
  o: Pick<Errand, 'authServer' | 'requestToken' | 'state' | 'kind'>,
): Refusal {
  const handle = secret()
  const until = site.now() + 600
  const about = { who: whoIs(caller), agent: String(caller.agent), sub: caller.claims?.['sub'] }
  site.errands.set(handle, { ...o, ...about, handle, until })
  const challenge = `httpsig;user_interaction="${site.id}/interaction?session=${handle}"`
  const refusal = refusing(401, 'interaction_required')('user_needed', 'the user is needed')
  return refusal.with({ headers: { 'agent-auth': challenge } })
}

/** The token that `Agent-Interaction` leads to; undefined where there is none. @throws Refusal */
export function resultOf({ request, signature, caller, site }: Called): string | undefined {
  const value = headerValue(request, 'agent-interaction')
  if (value === undefined) return undefined
  if (!covers(signature.covered, 'agent-interaction'))
    throw badSignature('component_not_covered', 'agent-interaction is not covered')
  const code = codeIn(value)
  const found = [...site.errands.values()].find(({ result }) => result !== undefined && result.code === code)
  const isTheirs = found !== undefined && found.who === whoIs(caller) && found.until > site.now()
  if (!isTheirs) throw refusing(400, 'invalid_grant')('interaction_code_wrong', 'the interaction code is wrong')
  site.errands.delete(found.handle)
  return found.result?.token
}

function codeIn(value: string): string | undefined {
  try {
    const member = readDictionary(`a=${value.trim()}`).get('a')
    if (member === undefined || isInnerList(member) || member.bare.kind !== 'string') return undefined
    const code = String(member.bare.value)
    return /^[A-Za-z0-9._~-]{1,512}$/.test(code) ? code : undefined
  } catch {
    return undefined
  }
}
