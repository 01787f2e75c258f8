import { AAuthError } from '@countersign/protocol'
import type { IdentifiedCaller } from '@countersign/verify'
import type { Principal } from './grants.js'
import { asksIdentity, checkIdentityScopes } from './identity-claims.js'
import type { Policy, PolicyRequest } from './policy.js'

/**
 * Decides a new request: at once, or by a user.
 * @throws AAuthError `access_denied` when policy says no, or a user is needed and none can sign in
 */
export async function decideNew(
  request: PolicyRequest,
  { policy, users }: { readonly policy: Policy; readonly users: 'some' | 'none' },
): Promise<'direct' | 'consent'> {
  const isAboutUser = asksIdentity(request.scope)
  if (isAboutUser && users === 'none') {
    throw new AAuthError('access_denied', 'identity scopes need a user, and this auth server signs in none')
  }
  checkIdentityScopes(request.scope)
  switch (await policy(request)) {
    case 'direct':
      return isAboutUser ? 'consent' : 'direct'
    case 'consent':
      if (users === 'some') return 'consent'
      throw new AAuthError('access_denied', 'this needs a user, and this auth server signs in none')
    default:
      throw denied(request)
  }
}

/**
 * Decides anew about what was granted: a policy that was tightened binds old grants too. Where it wants a user, the grant's
 * own has agreed, and a direct grant has none.
 * @throws AAuthError `access_denied`
 */
export async function decideAgain(request: PolicyRequest, policy: Policy): Promise<void> {
  const decision = await policy(request)
  if (decision === 'direct' || (decision === 'consent' && request.user !== undefined)) return
  throw denied(request)
}

/** Whose the request of a caller is. */
export function principalOf({ agent, delegate }: IdentifiedCaller): Principal {
  return { agent, ...(delegate === undefined ? {} : { delegate }) }
}

function denied({ resource, scope }: PolicyRequest): AAuthError {
  return new AAuthError('access_denied', 'the policy of this auth server does not allow this', {
    cause: { resource, scope },
  })
}
