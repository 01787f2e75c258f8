import type { Upstream } from '@countersign/agent/internal'
import { refusal } from '@countersign/protocol/internal'
import type { AuthorizedCaller, Verified } from '@countersign/verify'
import { aauthOf } from '../guard/aauth.js'
import { type Called, Setback } from '../guard/called.js'
import type { Asking } from '../guard/event.js'
import type { OAuthOwner } from '../oauth/oauth.js'
import { grantKey } from '../revocation/revocation-set.js'
import { grantOf } from '../revocation/revoked.js'

/** What the auth token of a request lets this resource do at other services. */
export interface Mandate extends Upstream {
  readonly agent: string
  readonly asking: Asking
  readonly principal: string
}

/** What a request allows to be done for it. @throws TypeError, or Setback with what would help */
export function mandateOf({ verified, route }: Called): Mandate {
  // For every caller, so that the mistake shows at the first request.
  if (route.scope.length === 0)
    throw new TypeError(
      'aauth.fetch and aauth.oauth call with what an auth token allowed: the route must ask for a scope',
    )
  const mandate = upstreamOf(verified)
  if (mandate !== undefined) return mandate
  const isIdentified = verified.caller.level === 'identified'
  throw new Setback({
    error: refusal('level_insufficient', { about: 'an auth token' }),
    ...(isIdentified ? { ask: 'authorization', scope: route.scope } : { ask: 'identity' }),
  })
}

export function upstreamOf({ caller, opened }: Verified): Mandate | undefined {
  if (caller.level !== 'authorized' || opened?.signatureKey.scheme !== 'jwt') return undefined
  const { exp, purpose } = caller.token
  const why = purpose === undefined ? {} : { purpose }
  const grant = grantOf(caller)
  const named = grant === undefined ? {} : { grant: grantKey(grant) }
  return {
    token: opened.signatureKey.jwt,
    exp,
    ...why,
    ...named,
    agent: caller.agent,
    principal: principalOf(caller),
    asking: askingFor(caller),
  }
}

function askingFor({ agent, delegate, user, token: { txn } }: AuthorizedCaller): Asking {
  return {
    agent,
    ...(delegate === undefined ? {} : { delegate }),
    ...(user === undefined ? {} : { user: { iss: user.iss, sub: user.sub } }),
    ...(txn === undefined ? {} : { txn }),
  }
}

/** The owner of the account at the API. A token without a user has no account there, and there is no user to ask. */
export function ownerOf({ caller }: Verified): OAuthOwner {
  const { chain } = aauthOf(caller)
  if (caller.level !== 'authorized' || caller.user === undefined)
    throw refusal('user_mismatched', { about: 'the auth token names no user, and the request needs an account of one' })
  const { user, agent, delegate } = caller
  return {
    user: { iss: user.iss, sub: user.sub },
    agent,
    ...(delegate === undefined ? {} : { delegate }),
    // The confused deputy: an agent between serves others than the one its user has agreed to.
    ...(chain.length === 0 ? {} : { chain }),
  }
}

/** A JSON array, never a glued string: no name in it can reach into another's. */
function principalOf({ issuer, token, agent, delegate }: AuthorizedCaller): string {
  return JSON.stringify([issuer, token.sub ?? null, agent, delegate ?? null])
}
