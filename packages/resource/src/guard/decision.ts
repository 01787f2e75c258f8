import {
  type AAuthError,
  identityScopes,
  type Level,
  missingScope,
  type Operation,
  satisfies,
} from '@countersign/protocol'
import { identityScopesIn, refusal, unionScope } from '@countersign/protocol/internal'
import type { AuthorizedCaller, Caller } from '@countersign/verify'
import { roomierLevel } from '../limit/limits.js'
import type { Charge } from '../limit/rate-headers.js'
import type { Route } from './requirement.js'

/**
 * What a refusal asks of the agent: to sign, to say who it is, to bring an auth token, to send its user, or nothing that
 * would help.
 */
export type Ask = 'signature' | 'identity' | 'authorization' | 'user' | 'nothing'

/** Why a request does not pass, and what would help. */
export interface Refusal {
  readonly error: AAuthError
  readonly ask: Ask
  /** The scope of the resource token that goes with `authorization`. */
  readonly scope?: readonly string[]
  /** The one request that a user is asked to approve. */
  readonly operation?: Operation
  /** Where the user of `user` is to be sent. */
  readonly userInteraction?: string
  /** The same as a question: its user comes back by themselves, and the request is repeated. */
  readonly question?: () => Promise<Question>
}

/** A question that a client passes on to its user, who answers it elsewhere. */
export interface Question {
  readonly url: string
  /** By which the answer is found. It is no secret: only the caller that was asked can use it. */
  readonly code: string
}

/**
 * Decides whether the level and the scope of a verified caller are enough for a route: level first.
 * @returns undefined when they are
 * @see protocol §4, §8
 */
export function decideLevelAndScope(caller: Caller, route: Route): Refusal | undefined {
  if (caller.level === 'anonymous')
    return route.level === 'anonymous' ? undefined : { error: refusal('signature_missing'), ask: lowestAsk(route) }
  if (caller.level === 'pseudonymous')
    return satisfies(caller.level, route.level) ? undefined : { error: refusal('level_insufficient'), ask: 'identity' }
  if (route.level !== 'authorized') return undefined
  if (caller.level === 'identified')
    return { error: refusal('level_insufficient'), ask: 'authorization', scope: route.scope }
  // Most requests need no more: what claims stand for costs more than all else here.
  if (!route.scope.some(isIdentityScope) && missingScope(caller.scope, route.scope).length === 0) return undefined
  const held = heldScope(caller)
  if (missingScope(held, route.scope).length === 0) return undefined
  const error = refusal('scope_missing')
  // Every token that names a user grants `openid`. To ask for it again would let a policy's list deny a scope that is not needed.
  const kept = held.filter(name => name !== 'openid')
  return { error, ask: 'authorization', scope: unionScope(kept, route.scope) }
}

/** The refusal of a caller over its limit: it names the next level with a higher limit, where the caller can reach one. */
export function overLimit(caller: Caller, route: Route, { bucket, count }: Charge): Refusal {
  const error = refusal('rate_exceeded', { about: 'at this level', retryAfter: count.seconds })
  // Its site's count holds at every level that names an agent.
  if (bucket.name === 'site') return { error, ask: 'nothing' } // challenge.none-when-final
  switch (roomierLevel(caller.level, route.limits, bucket.rate)) {
    case 'pseudonymous':
      return { error, ask: 'signature' }
    case 'identified':
      return { error, ask: 'identity' }
    case 'authorized':
      // Only an identified caller can be given a resource token, and only for a scope the route names.
      return caller.level === 'identified' && route.scope.length > 0
        ? { error, ask: 'authorization', scope: route.scope }
        : { error, ask: 'nothing' }
    default:
      return { error, ask: 'nothing' }
  }
}

/** The refusal of a caller that is denied: no challenge would help. */
export function blocked(): Refusal {
  return {
    error: refusal('caller_denied'),
    ask: 'nothing',
  }
}

/** The refusal by a policy: it challenges for the level that the policy names, unless the caller has reached it. */
export function askFor(verdict: unknown, reached: Level, route: Route): Refusal {
  const error = refusal('policy_refused')
  switch (verdict) {
    case 'pseudonymous':
      return { error, ask: satisfies(reached, verdict) ? 'nothing' : 'signature' }
    case 'identified':
      return { error, ask: satisfies(reached, verdict) ? 'nothing' : 'identity' }
    case 'authorized':
      if (!satisfies(reached, 'identified')) return { error, ask: 'identity' }
      // Only an identified caller can be given a resource token, and only for a scope the route names.
      return reached === 'identified' && route.scope.length > 0
        ? { error, ask: 'authorization', scope: route.scope }
        : { error, ask: 'nothing' }
    default:
      return { error, ask: 'nothing' }
  }
}

/** What a refused bearer request is challenged for: a signature, which proves more. */
export function askBesideBearer(error: AAuthError, route: Route): Ask {
  return error.status === 401 || error.code === 'insufficient_scope' ? lowestAsk(route) : 'nothing'
}

/** What a request that failed verification is challenged for. */
export function askAfter(error: AAuthError, route: Route): Ask {
  // The outcome of a replayed request is unknown: a challenge would invite the agent to send it again.
  if (error.status !== 401 || error.code === 'replay_detected') return 'nothing' // challenge.every-401
  // challenge.failed-auth-token
  if (error.code === 'invalid_auth_token' || error.code === 'untrusted_issuer') return 'identity'
  return lowestAsk(route)
}

/** The lowest level that would let a caller pass, as far as a caller of unknown identity can be asked. */
function lowestAsk(route: Route): Ask {
  return satisfies(route.level, 'identified') ? 'identity' : 'signature'
}

/** Scopes in the token, and identity scopes by the claims they granted alone: those never stand in `scope` (protocol §5). */
export function heldScope({ scope, user }: AuthorizedCaller): string[] {
  const own = scope.filter(name => !isIdentityScope(name))
  return user === undefined ? own : unionScope(own, ['openid', ...identityScopesIn(user.claims)])
}

const isIdentityScope = (name: string): boolean => identityScopes.includes(name)
