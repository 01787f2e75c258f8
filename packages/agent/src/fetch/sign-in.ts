import { isIdentifier, isListed, parseScope } from '@countersign/protocol'
import { checkOptionsOffPage } from '@countersign/protocol/internal'
import type { User } from '@countersign/verify'
import { AgentError } from '../error.js'
import type { Tell } from '../explanation.js'
import { invalidAnswerError } from '../wire/participant.js'
import { type AccessHints, hintMembers } from './access.js'
import type { ClimbContext } from './climb-context.js'
import { describeGrant } from './granted.js'

/** Where a user of the agent signs in, and the claims that the agent asks for. */
export interface SignIn extends AccessHints {
  /** The auth server. */
  readonly authServer: string
  /** `openid`, and more identity scopes as needed, separated by spaces. Default `openid`. */
  readonly scope?: string
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
  // bound: one call
  const requester = { self, tell, signal, hints: hintMembers(request), failed: new Map() }
  const held = await authorization.findCovering(requester, asked)
  const grant = held ?? (await authorization.request(requester, asked, { scope: scope.join(' ') }))
  const { user } = describeGrant(grant, context)
  if (user === undefined) throw invalidAnswerError('auth server', 'sub')
  return user
}
