import {
  type AuthTokenClaims,
  checkOptionsOffPage,
  identityScopes,
  identityScopesIn,
  isIdentifier,
  isListed,
  missingScope,
  parseScope,
  parseToken,
} from '@countersign/protocol'
import { type User, userOf } from '@countersign/verify'
import { AgentError } from '../error.js'
import type { Tell } from '../explanation.js'
import type { Grant } from '../grant/grants.js'
import type { CallbackResult } from '../grant/interact.js'
import { invalidAnswerError } from '../wire/participant.js'
import { type AccessHints, hintMembers } from './access.js'
import type { ClimbContext } from './climb-context.js'

/** Where a user of the agent signs in, and the claims that the agent asks for. */
export interface SignIn extends AccessHints {
  /** The auth server. */
  readonly authServer: string
  /** `openid`, and more identity scopes as needed, separated by spaces. Default `openid`. */
  readonly scope?: string
}

/** The result of a callback. */
export interface Granted {
  /** The auth server. Absent when the resource itself asked its user; the next call to the resource then continues. */
  readonly issuer?: string
  readonly resource: string
  /** Scopes granted, separated by spaces. An identity scope counts when at least one of its claims is in the token. */
  readonly scope: string
  /** The verified user, known by `iss` and `sub`; absent when the auth server does not name the user to this agent. */
  readonly user?: User
}

/**
 * Returns the verified user of this session, who signs in at the auth server if needed. Scopes that were asked for before are
 * not asked for again, whether granted or not; the `claims` of the user show which were.
 * @throws AgentError `not_allowed`, `interaction_required`, `denied`, `invalid_answer`, `unreachable`
 * @throws TypeError when `authServer` is not an identifier or `scope` lacks `openid`
 * @see protocol §6.2 "Direct form"
 */
export async function signIn(request: SignIn, context: ClimbContext, tell: Tell): Promise<User> {
  checkOptionsOffPage('signIn', request, {
    authServer: 'string',
    scope: 'string',
    purpose: 'string',
    loginHint: 'string',
    signal: 'object',
  })
  const { authServer, scope: wanted = 'openid', signal } = request
  const { acceptAuthServer = [], authorization, credentials, development } = context
  const scope = parseScope(wanted)
  if (!isIdentifier(authServer, { development }))
    throw new TypeError('authServer must be an identifier such as https://auth.example')
  if (!scope.includes('openid')) throw new TypeError('scope must hold openid, which is what signs a user in')
  if (!(await isListed(acceptAuthServer, authServer)))
    throw new AgentError('not_allowed', 'acceptAuthServer does not list this auth server', { authServer })
  const self = await credentials.current(tell)
  const asked = { issuer: authServer, resource: self.agent, scope }
  const requester = { self, tell, signal, hints: hintMembers(request) }
  const held = await authorization.findCovering(requester, asked)
  const grant = held ?? (await authorization.request(requester, asked, { scope: scope.join(' ') }))
  const { user } = describeGrant(grant, context)
  if (user === undefined) throw invalidAnswerError('auth server', 'sub')
  return user
}

/** Returns the result of a callback as the app gets it. */
export function describeCallback(
  { resource, grant }: CallbackResult,
  context: { readonly development: boolean },
): Granted {
  return grant === undefined ? { resource, scope: '' } : describeGrant(grant, context)
}

/** Returns what a grant allows, and its user. Its token was verified when it was received. */
export function describeGrant(grant: Grant, { development }: { readonly development: boolean }): Granted {
  const { issuer, resource, scope: asked, authToken } = grant
  const claims = parseToken(authToken, ['auth+jwt'], { development }).payload as AuthTokenClaims
  const { sub } = claims
  const unmet = missingScope(identityScopesIn(claims), identityScopes)
  const scope = missingScope(unmet, asked.split(' ')).join(' ')
  return { issuer, resource, scope, ...(sub === undefined ? {} : { user: userOf({ ...claims, sub }) }) }
}
