import { AAuthError, checkRedirectUri, serializeScope } from '@countersign/protocol'
import { peerOf } from '@countersign/verify'
import { type NewRequest, requestLifetime } from '../consent/requests.js'
import { exchangeFacts } from '../exchange/exchange.js'
import { issueAuthToken } from '../grant/auth-token.js'
import { decideNew, principalOf } from '../grant/decide.js'
import type { Grant } from '../grant/grant.js'
import { newGrantId } from '../grant/grants.js'
import { type RequestedAccess, requestedAccess } from './requested-access.js'
import type { Asking, TokenAnswer, TokenContext } from './token-context.js'
import type { AccessRequest, AuthRequest } from './token-request.js'

/** What an agent sends its user's browser with, to `agent_auth_endpoint`. */
export interface PendingAnswer {
  readonly request_token: string
  /** Seconds. */
  readonly expires_in: number
}

/** What was asked for, and whether a user must decide it. */
export type Decided = { readonly access: RequestedAccess } & (
  | { readonly outcome: 'direct'; readonly answer: TokenAnswer }
  | { readonly outcome: 'consent'; readonly request: NewRequest }
)

/**
 * Answers `request_type=auth`: with tokens where policy grants it, with a request token where a user decides.
 * @throws AAuthError with the code of protocol §8
 * @see protocol §6.2
 */
export async function answerAuth(
  request: AuthRequest,
  asking: Asking,
  context: TokenContext,
): Promise<TokenAnswer | PendingAnswer> {
  const decided = await decideAccess(request, asking, context)
  if (decided.outcome === 'direct') return decided.answer
  const { redirect_uri, state } = request
  const { agent } = asking.caller
  if (redirect_uri === undefined) {
    throw new AAuthError('invalid_request', 'redirect_uri is missing, and this needs the user')
  }
  // Before anything is stored: nobody gets a link to our pages that would send the user somewhere else afterwards.
  checkRedirectUri(redirect_uri, await asking.discovery.agent(agent))
  await asking.once()
  const { id, request_token } = await context.requests.add(decided.request, {
    redirect_uri,
    ...(state === undefined ? {} : { state }),
  })
  reportRequested(id, 'browser', decided.request, context)
  return { request_token, expires_in: requestLifetime }
}

/**
 * Verifies what is asked for and decides it; a direct grant is stored and its tokens issued. Where a user decides, nothing is stored
 * yet, and the request has still to pass once.
 * @throws AAuthError with the code of protocol §8
 */
export async function decideAccess(
  request: AccessRequest,
  { caller, discovery, once }: Asking,
  context: TokenContext,
): Promise<Decided> {
  const { issuer, now, development } = context
  const access = await requestedAccess(request, caller, { issuer: issuer.issuer, discovery, now: now(), development })
  const { resource, scope, txn } = access
  const { purpose, login_hint } = request
  const principal = principalOf(caller)
  const about = { resource, scope, ...(purpose === undefined ? {} : { purpose }) }
  if ((await decideNew({ ...principal, ...about }, context)) === 'direct') {
    await once()
    return { access, outcome: 'direct', answer: await grantDirectly(access, purpose, caller, context) }
  }
  const asked: NewRequest = {
    principal,
    ...about,
    ...(txn === undefined ? {} : { txn }),
    ...(login_hint === undefined ? {} : { login_hint }),
    ...peerOf(caller),
  }
  return { access, outcome: 'consent', request: asked }
}

/** One event for a request that waits. */
export function reportRequested(
  id: string,
  flow: 'browser' | 'device',
  { principal, resource, scope, txn, resource_txn, upstream }: NewRequest,
  { onEvent }: Pick<TokenContext, 'onEvent'>,
): void {
  onEvent({
    type: 'requested',
    flow,
    request: id,
    ...principal,
    resource,
    scope,
    ...(txn === undefined ? {} : { txn }),
    ...(resource_txn === undefined ? {} : { resource_txn }),
    ...(upstream === undefined ? {} : { exchange: exchangeFacts(upstream) }),
  })
}

async function grantDirectly(
  { resource, scope, txn }: RequestedAccess,
  purpose: string | undefined,
  caller: Asking['caller'],
  { grants, issuer, now, onEvent }: TokenContext,
): Promise<TokenAnswer> {
  const grant: Grant = {
    id: newGrantId(),
    resource,
    scope: serializeScope(scope),
    ...(purpose === undefined ? {} : { purpose }),
    ...(txn === undefined ? {} : { txn }),
  }
  const audited = txn === undefined ? {} : { txn }
  const issued = await issueAuthToken(issuer, { caller, resource, scope, ...audited, grant: grant.id, now: now() })
  // Answered only once it is on disk: a crash after this line loses no refresh token an agent holds.
  const refresh_token = await grants.add(principalOf(caller), grant)
  const what = { ...principalOf(caller), resource, scope, grant: grant.id, jti: issued.jti, ...audited }
  onEvent({ type: 'granted', by: 'policy', ...what })
  return { auth_token: issued.auth_token, expires_in: issuer.lifetime, refresh_token }
}
