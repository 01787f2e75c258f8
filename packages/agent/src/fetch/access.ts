import { isIdentifier, parseScope, type ResourceMetadata } from '@countersign/protocol'
import { checkOptionsOffPage } from '@countersign/protocol/internal'
import { AgentError } from '../error.js'
import type { Tell } from '../explanation.js'
import { purposesText } from '../grant/grants.js'
import { checkResourceToken, type ResourceTokenOffer } from '../grant/resource-token.js'
import type { Form } from '../grant/token-context.js'
import { type Self, selfAt } from '../identity/credentials.js'
import { checkParticipant, invalidAnswerError } from '../wire/participant.js'
import type { SignedPost } from '../wire/signed-post.js'
import type { ClimbContext } from './climb-context.js'

/** What a user is told when asked for consent. */
export interface AccessHints {
  /** Why the agent wants access, in words for the user; at most 1024 characters. */
  readonly purpose?: string
  /** The user whom the agent expects to sign in. */
  readonly loginHint?: string
  /** Ends the call. A request that other calls wait for goes on. */
  readonly signal?: AbortSignal | undefined
}

/** The access that an agent asks for ahead of its first call. */
export interface AccessRequest extends AccessHints {
  /** Resource identifier. */
  readonly resource: string
  /** Scopes, separated by spaces. */
  readonly scope: string
  /** One of the resource's auth servers. Default: its first. */
  readonly authServer?: string
  /** Names of what the access is for, from the resource's metadata. Default: those of the agent. @see protocol §9.1 */
  readonly purposes?: readonly string[]
}

/**
 * Gets a grant with a token of the resource token endpoint, unless state has a grant that covers the scope.
 * @throws AgentError `not_allowed`, `unsupported`, `denied`, `interaction_required`, `invalid_answer`, `unreachable`
 * @see protocol §6.1
 */
export async function requestAccess(
  request: AccessRequest,
  context: ClimbContext & { readonly post: SignedPost },
  tell: Tell,
): Promise<void> {
  checkOptionsOffPage('requestAccess', request, {
    resource: 'string',
    scope: 'string',
    authServer: 'string',
    purposes: 'strings',
    purpose: 'string',
    loginHint: 'string',
    signal: 'object',
  })
  const { resource, authServer, signal } = request
  if (!isIdentifier(resource, context))
    throw new TypeError('resource must be an identifier such as https://api.example')
  const scope = parseScope(request.scope)
  const reason = await context.whyNotIdentify(new URL(resource))
  if (reason !== undefined) throw new AgentError('not_allowed', 'identifyTo does not list this resource', { resource })
  const self = await context.credentials.current(tell)
  const purposes = purposesText(request.purposes) ?? context.purposes
  // bound: one call
  const requester = { self, tell, signal, purposes, hints: hintMembers(request), failed: new Map() }
  const wanted = { resource, scope, issuer: authServer }
  if ((await context.authorization.findCovering(requester, wanted)) !== undefined) return
  const offer = await checkResourceToken(
    await requestResourceToken(request, await selfAt(self, { kind: 'resource', id: resource, scope }, tell), context),
    self,
    context,
  )
  // bound: one call
  await context.authorization.obtain(requester, offer, { refused: new Set(), mayRefresh: true })
}

/** Returns the hints as members of the token request. */
export function hintMembers({ purpose, loginHint }: AccessHints): Form {
  return {
    ...(purpose === undefined ? {} : { purpose }),
    ...(loginHint === undefined ? {} : { login_hint: loginHint }),
  }
}

async function requestResourceToken(
  { resource, scope, authServer }: AccessRequest,
  self: Self,
  context: ClimbContext & { readonly post: SignedPost },
): Promise<ResourceTokenOffer> {
  const metadata: ResourceMetadata = await checkParticipant('resource', () => context.discovery.resource(resource))
  const url = metadata.resource_token_endpoint
  if (url === undefined)
    throw new AgentError('unsupported', 'the resource has no resource token endpoint', { resource })
  const form = { scope, ...(authServer === undefined ? {} : { auth_server: authServer }) }
  const json = await context.post({
    to: 'resource',
    url,
    content: { form },
    key: self.key,
    signatureKey: self.signatureKey,
  })
  const { resource_token: resourceToken, auth_server: chosen } = json
  if (typeof resourceToken !== 'string') throw invalidAnswerError('resource', 'resource_token')
  if (typeof chosen !== 'string') throw invalidAnswerError('resource', 'auth_server')
  // An auth server that the caller did not choose must not learn of the request.
  if (authServer !== undefined && chosen !== authServer) throw invalidAnswerError('resource', 'auth_server')
  return { resource, resourceToken, authServer: chosen }
}
