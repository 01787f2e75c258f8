import { checkRedirectUri, refusal } from '@countersign/protocol/internal'
import type { AskedBy } from '../approval/ask.js'
import { exchangeFacts } from '../exchange/exchange.js'
import type { NewRequest } from '../request/request-row.js'
import { requestLifetime } from '../secret/request-token.js'
import type { TokenCall, TokenContext } from './token-context.js'

/** What an agent sends its user's browser with, to `agent_auth_endpoint`. */
export interface PendingAnswer {
  readonly request_token: string
  /** Seconds. */
  readonly expires_in: number
}

/** Where the user's browser goes with the answer. */
export interface WayBack {
  readonly redirect_uri?: string | undefined
  readonly state?: string | undefined
}

/**
 * Stores a request that its user decides in a browser.
 * @param o.count runs once all is checked, and before anything is stored
 * @throws AAuthError `invalid_request` without a `redirect_uri` of the agent, and what `count` throws
 */
export async function askInBrowser(
  request: NewRequest,
  o: { readonly wayBack: WayBack; readonly call: TokenCall; readonly count: () => Promise<void> | void },
  context: Pick<TokenContext, 'requests' | 'report'>,
): Promise<PendingAnswer> {
  const way = await checkedWayBack(o.wayBack, { call: o.call, agent: request.principal.agent })
  await o.count()
  const { id, request_token } = await context.requests.add(request, way)
  reportRequested({ flow: 'browser', id, request }, context)
  return { request_token, expires_in: requestLifetime }
}

/** @throws AAuthError `invalid_request` without a `redirect_uri` of the agent */
export async function checkedWayBack(
  { redirect_uri, state }: WayBack,
  { call, agent }: { readonly call: Pick<TokenCall, 'discovery'>; readonly agent: string },
): Promise<{ readonly redirect_uri: string; readonly state?: string | undefined }> {
  if (redirect_uri === undefined) {
    throw refusal('parameter_missing', { about: 'redirect_uri, since the user must decide' })
  }
  // Open redirect: an agent must get no link to our pages that would send the user to an address it does not publish.
  checkRedirectUri(redirect_uri, await call.discovery.agent(agent))
  return { redirect_uri, state }
}

/** Reports a request that waits: no value of a call that is asked about is in the event (APR-35). */
export function reportRequested(
  {
    request,
    ...named
  }: {
    readonly flow: AskedBy['flow']
    /** Of the stored request. */
    readonly id: string
    readonly request: NewRequest
    /** Of a single call: the approval, and what the call does. */
    readonly approval?: string
    readonly operation?: string
  },
  { report }: Pick<TokenContext, 'report'>,
): void {
  const { id, ...told } = named
  const { principal, resource, scope, txn, resource_txn, upstream } = request
  report.tell({
    type: 'requested',
    ...told,
    request: id,
    ...principal,
    resource,
    scope,
    ...(txn === undefined ? {} : { txn }),
    ...(resource_txn === undefined ? {} : { resource_txn }),
    ...(upstream === undefined ? {} : { exchange: exchangeFacts(upstream) }),
  })
}
