import { thumbprint } from '@countersign/httpsig'
import { identityScopes, missingScope, parseScope } from '@countersign/protocol'
import { verifyAuthToken } from '@countersign/verify'
import { AgentError } from '../error.js'
import type { Tell } from '../explanation.js'
import { type Self, selfAt } from '../identity/credentials.js'
import { checkParticipant, invalidAnswerError } from '../wire/participant.js'
import { canonicalScope, type Grant, type Grants } from './grants.js'
import type { Form, RequestedGrant, TokenRequestContext } from './token-context.js'

/** The longest refresh token that is stored, in characters. */
const maxRefreshToken = 4096

/** The grant that was asked for, and the agent that it must be for. */
interface GrantOwner {
  readonly asked: RequestedGrant
  readonly self: Self
}

/**
 * Sends a token request signed as `self`, and returns its answer unchecked.
 * @throws AgentError `unreachable`, `invalid_answer`, `denied`
 * @see protocol §6.2
 */
export async function postTokenRequest(
  {
    issuer,
    form,
    tell,
    scope,
  }: { readonly issuer: string; readonly form: Form; readonly tell: Tell; readonly scope?: readonly string[] },
  self: Self,
  { discovery, post }: TokenRequestContext,
): Promise<Readonly<Record<string, unknown>>> {
  const { signatureKey } = await selfAt(self, { kind: 'auth server', id: issuer, scope }, tell)
  const metadata = await checkParticipant('auth server', () => discovery.authServer(issuer))
  return post({
    to: 'auth server',
    url: metadata.agent_token_endpoint,
    content: { form },
    key: self.key,
    signatureKey,
  })
}

/**
 * Checks a token answer before anything of it is stored. `asked.scope` is the widest scope that it may grant.
 * @throws AgentError `unreachable`, `invalid_answer`
 * @see protocol §6.4
 */
export async function checkGrant(
  json: Readonly<Record<string, unknown>>,
  { asked, self }: GrantOwner,
  context: TokenRequestContext,
): Promise<Grant> {
  const { issuer, resource, operation, purposes } = asked
  const authToken = json['auth_token']
  if (typeof authToken !== 'string') throw invalidAnswerError('auth server', 'auth_token')
  const facts = await checkAuthToken(authToken, { asked, self }, context)
  const grant = { issuer, resource, authToken, jkt: self.jkt, ...facts, ...(purposes && { purposes }) }
  // An approval is for one request: there is nothing to refresh.
  return operation === undefined ? { ...grant, ...checkRefreshToken(json) } : { ...grant, approves: operation.digest }
}

/** A hostile auth server could issue tokens that make the agent act for others, or with more scope than it asked for. */
async function checkAuthToken(
  token: string,
  { asked, self }: GrantOwner,
  context: TokenRequestContext,
): Promise<Pick<Grant, 'scope' | 'expires' | 'renewAt' | 'sub'>> {
  const { discovery, development } = context
  const { issuer, resource } = asked
  const claims = await checkParticipant('auth server', () =>
    verifyAuthToken({ token, issuer, audience: resource, discovery, now: context.now(), development }),
  )
  // agent.checks.token-answer
  if ((claims.agent ?? claims.aud) !== self.agent) throw invalidAnswerError('auth server', 'agent')
  // agent.checks.token-answer
  if (claims.agent_delegate !== self.delegate) throw invalidAnswerError('auth server', 'agent_delegate')
  // agent.checks.token-answer
  if ((await thumbprint(claims.cnf.jwk)) !== self.jkt) throw invalidAnswerError('auth server', 'cnf')
  if (asked.operation !== undefined && claims.operation_digest === undefined)
    throw new AgentError('unsupported', 'the auth server issues no approvals of single requests', {
      authServer: issuer,
    })
  // An approval of one request must be used for no other (approval.once).
  if (claims.operation_digest !== asked.operation?.digest) throw invalidAnswerError('auth server', 'operation_digest')
  if (missingScope(asked.purposes?.split(' ') ?? [], claims.purposes?.split(' ') ?? []).length > 0)
    // agent.checks.token-answer
    throw invalidAnswerError('auth server', 'purposes')
  const scope = claims.scope === undefined ? [] : parseScope(claims.scope)
  // agent.checks.token-answer
  if (missingScope(asked.scope, scope).length > 0) throw invalidAnswerError('auth server', 'scope')
  // Identity scopes are granted as claims and are never in `scope`.
  const asClaims = asked.scope.filter(name => identityScopes.includes(name))
  if (resource === self.agent && asClaims.length > 0 && claims.sub === undefined)
    throw invalidAnswerError('auth server', 'sub')
  // Renewed early, so that a token does not end on its way; a short-lived token gives up only a part of its life.
  const margin = Math.min(30, (claims.exp - claims.iat) / 5)
  const { exp, sub } = claims
  return {
    scope: canonicalScope([...scope, ...asClaims]),
    expires: exp,
    renewAt: exp - margin,
    ...(sub === undefined ? {} : { sub }),
  }
}

function checkRefreshToken(json: Readonly<Record<string, unknown>>): { refreshToken?: string } {
  const token = json['refresh_token']
  if (token === undefined) return {}
  if (typeof token !== 'string' || token === '' || token.length > maxRefreshToken)
    throw invalidAnswerError('auth server', 'refresh_token')
  return { refreshToken: token }
}

/** Checks a token answer, stores its grant and returns it. */
export async function checkAndKeepGrant(
  answer: Readonly<Record<string, unknown>>,
  { asked, self }: GrantOwner,
  context: TokenRequestContext & { readonly grants: Pick<Grants, 'keep'> },
): Promise<Grant> {
  const grant = await checkGrant(answer, { asked, self }, context)
  await context.grants.keep(self, grant)
  return grant
}
