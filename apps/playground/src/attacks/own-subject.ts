import type { Participants } from '../participants.js'
import { type Actor, type Allowed, allow, enrol } from './actor.js'
import { claimsOf } from './agent-ring.js'
import { refresh } from './captured.js'
import type { Subject } from './message-attack.js'
import { now } from './run.js'
import type { Draft } from './signing.js'
import { event } from './token-flows.js'
import { sendRaw } from './wire.js'

/** Attacks that need a request without query or body, or one that two servers serve. */
const onPlainRequest: readonly string[] = ['add-query', 'add-body', 'other-server']
/** Seconds that a token must still live. */
const enough = 2

/**
 * The message that is attacked where a visitor has chosen none: a delegate adds an event to its user's calendar, with her consent, or
 * asks an API who it is.
 */
export function ownSubject(participants: Participants): (attack: string) => Promise<Subject> {
  const { calendar, authServer } = participants.addresses
  const place = { participants, send: sendRaw }
  const begin = async (): Promise<Allowed & { readonly actor: Actor }> => {
    const actor = await enrol(place)
    return { actor, ...(await allow(actor, event(calendar), place)) }
  }
  /** The same with a fresh token. @throws Error where the grant has ended */
  const renewed = async (own: Awaited<ReturnType<typeof begin>>): Promise<typeof own> => {
    const { actor, refreshToken = '' } = own
    return { ...own, authToken: await refresh({ issuer: authServer, refreshToken, ...actor.identified }, place) }
  }
  let begun: ReturnType<typeof begin> | undefined
  const plain: Draft = { method: 'GET', to: calendar, target: '/whoami', headers: [], body: '' }
  return async attack => {
    // Visitors take back what was allowed, and stories begin with users who have allowed nothing.
    let own = await (begun?.then(renewed).catch(begin) ?? begin())
    begun = Promise.resolve(own)
    const { actor, authToken } = own
    const living = async (): Promise<string> => {
      if (Number(claimsOf(own.authToken)['exp']) - now() <= enough) own = await renewed(own)
      return own.authToken
    }
    if (onPlainRequest.includes(attack)) return { draft: plain, scheme: 'jwt', signer: async () => actor.identified }
    const { exp, iat } = claimsOf(authToken)
    return {
      draft: event(calendar),
      scheme: 'jwt',
      token: { typ: 'auth+jwt', lives: Number(exp) - Number(iat) },
      signer: async () => actor.authorized(await living()),
    }
  }
}
