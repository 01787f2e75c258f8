import { AgentError, refusalOf } from './error.js'
import { canonicalScope, covers, type Grant, type Grants, scopesOf } from './grants.js'
import type { IdentityContext, Self } from './identity.js'
import type { CheckedHandout } from './resource-token.js'
import { singleFlight } from './single-flight.js'
import { requestToken, type TokenRequest } from './token-request.js'

/** Seconds before its end at which an auth token is refreshed rather than used. */
const margin = 30

/** Obtains grants and keeps them fresh: one request at a time per issuer, resource and scope. */
export interface Authorization {
  /** The grant to begin with at a resource, refreshed where that is due; undefined when there is none that serves. */
  ready(self: Self, resource: string): Promise<Grant | undefined>
  /** Whether state knows a grant at this resource that could serve, or be refreshed. Asks nobody. */
  known(self: Self, resource: string): Promise<boolean>
  /** A usable grant that covers the scope, refreshed if need be; undefined when there is none. */
  covering(self: Self, resource: string, scope: readonly string[]): Promise<Grant | undefined>
  /** A grant for what a resource asks, by refresh where a stored one covers it, else by a new request. */
  obtain(self: Self, handout: CheckedHandout, attempt: Attempt): Promise<Grant>
}

/** How earlier grants fared in this very call. */
export interface Attempt {
  /** Auth tokens the resource has just turned down. */
  readonly refused: ReadonlySet<string>
  /** False once a refreshed token was turned down, too: only a new request can help then. */
  readonly mayRefresh: boolean
}

export function authorization(grants: Grants, context: Omit<IdentityContext, 'state' | 'random'>): Authorization {
  const once = singleFlight()
  const { now, tell } = context

  const usable = (grant: Grant, self: Self): boolean => grant.jkt === self.jkt && grant.expires - margin > now()
  const flightKey = (self: Self, { issuer, resource, scope }: TokenRequest): string =>
    [self.jkt, issuer, resource, canonicalScope(scope)].join(' ')

  const refresh = (self: Self, grant: Grant & { readonly refreshToken: string }): Promise<Grant | undefined> => {
    const { issuer, resource, refreshToken } = grant
    const form = { request_type: 'refresh', refresh_token: refreshToken }
    const request = { issuer, resource, scope: scopesOf(grant), form }
    return once(`refresh ${flightKey(self, request)}`, async () => {
      tell(issuer, 'refresh', `refreshing the auth token at ${issuer}`)
      try {
        const fresh = { refreshToken, ...(await requestToken(request, self, context)) }
        await grants.keep(self, fresh)
        return fresh
      } catch (error) {
        if (refusalOf(error)?.error !== 'invalid_grant') throw error
        tell(issuer, 'refresh', `${issuer} no longer knows this grant, so it is forgotten`)
        await grants.drop(self, grant)
        return undefined
      }
    })
  }

  const refreshed = async (self: Self, grant: Grant): Promise<Grant | undefined> => {
    if (hasRefreshToken(grant)) return refresh(self, grant)
    await grants.drop(self, grant)
    return undefined
  }

  const fresh = async (self: Self, grant: Grant): Promise<Grant | undefined> => {
    if (usable(grant, self)) return grant
    try {
      return await refreshed(self, grant)
    } catch (error) {
      // Not refreshed is not yet ended.
      if (grant.jkt === self.jkt && grant.expires > now()) return grant
      // Policy may say no today and keep the grant: the resource decides what the agent is without it.
      if (error instanceof AgentError && error.code === 'denied') return undefined
      throw error
    }
  }

  const authorize = (self: Self, handout: CheckedHandout): Promise<Grant> => {
    const { authServer: issuer, resource, scope, resourceToken } = handout
    const form = { request_type: 'auth', resource_token: resourceToken }
    const request = { issuer, resource, scope, form }
    return once(`auth ${flightKey(self, request)}`, async () => {
      tell(issuer, 'authorize', `asking ${issuer} for ${canonicalScope(scope)} at ${resource}`)
      const grant = await requestToken(request, self, context)
      await grants.keep(self, grant)
      return grant
    })
  }

  return {
    async ready(self, resource) {
      const [newest] = await grants.at(self, resource)
      return newest === undefined ? undefined : fresh(self, newest)
    },
    known: async (self, resource) => (await grants.at(self, resource)).length > 0,
    async covering(self, resource, scope) {
      const held = (await grants.at(self, resource)).find(grant => covers(grant, scope))
      return held === undefined ? undefined : fresh(self, held)
    },
    async obtain(self, handout, { refused, mayRefresh }) {
      const mine = (await grants.at(self, handout.resource)).filter(grant => grant.issuer === handout.authServer)
      const held = mine.find(grant => covers(grant, handout.scope))
      // Another call may have got it since this challenge was written.
      if (held !== undefined && usable(held, self) && !refused.has(held.authToken)) return held
      const again = held !== undefined && mayRefresh && hasRefreshToken(held) ? await refresh(self, held) : undefined
      return again ?? authorize(self, handout)
    },
  }
}

function hasRefreshToken(grant: Grant): grant is Grant & { readonly refreshToken: string } {
  return grant.refreshToken !== undefined
}
