import type { Directory } from '@countersign/discovery'
import {
  AAuthError,
  type IdentifierList,
  isIdentifier,
  isListed,
  type Operation,
  parseScope,
} from '@countersign/protocol'
import { verifyResourceToken } from '@countersign/verify'
import { AgentError } from '../error.js'
import type { Self } from '../identity/credentials.js'

/** A resource token from a challenge or from the resource token endpoint. Unchecked. */
export interface ResourceTokenOffer {
  /** The origin that sent the token. */
  readonly resource: string
  readonly resourceToken: string
  readonly authServer: string
}

/** A resource token that was checked and may go to the auth server. */
export interface CheckedOffer extends ResourceTokenOffer {
  readonly scope: readonly string[]
  /** The one request that a user is asked to approve. @see protocol §9.4 */
  readonly operation?: Operation | undefined
}

/** What checking a resource token needs. */
export interface ResourceTokenContext {
  readonly discovery: Directory
  /** No default: without this list no auth server is accepted. */
  readonly acceptAuthServer: IdentifierList | undefined
  readonly now: () => number
  readonly development: boolean
}

/**
 * Checks whether a resource token may go to the auth server it names. Nothing is fetched for an auth server that is not
 * accepted, nor for a token whose issuer is not the resource that sent it.
 * @throws AgentError `not_allowed`, `invalid_resource_token`
 * @see protocol §4 "The agent checks the resource, too" (1)
 */
export async function checkResourceToken(
  offer: ResourceTokenOffer,
  self: Self,
  context: ResourceTokenContext,
): Promise<CheckedOffer> {
  const { resource, resourceToken, authServer } = offer
  const { acceptAuthServer, discovery, development } = context
  if (!isIdentifier(authServer, { development })) throw wrongTokenError('auth_server') // agent.checks.auth-server
  // The resource chooses the auth server; the agent decides which ones it trusts with its requests.
  if (acceptAuthServer === undefined || !(await isListed(acceptAuthServer, authServer)))
    // trust.agent.auth-server
    throw new AgentError('not_allowed', 'acceptAuthServer does not list this auth server', {
      authServer,
    })
  const claims = await verifyOffer(() =>
    verifyResourceToken({
      token: resourceToken,
      issuer: resource,
      audience: authServer,
      discovery,
      now: context.now(),
      development,
    }),
  )
  // A token for another agent would get this one authorized in its place (confused deputy).
  if (claims.agent !== self.agent) throw wrongTokenError('agent') // agent.checks.binding
  if (claims.agent_delegate !== self.delegate) throw wrongTokenError('agent_delegate') // agent.checks.binding
  if (claims.agent_jkt !== self.jkt) throw wrongTokenError('agent_jkt') // agent.checks.binding
  return { ...offer, scope: parseScope(claims.scope), operation: claims.operation }
}

async function verifyOffer<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    throw new AgentError('invalid_resource_token', 'the resource token could not be verified', {
      code: error.code,
      description: error.description,
    })
  }
}

function wrongTokenError(member: string): AgentError {
  return new AgentError('invalid_resource_token', 'the resource token is not for this agent and this auth server', {
    member,
  })
}
