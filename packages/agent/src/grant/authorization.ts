import { isListed, type Operation } from '@countersign/protocol'
import { AgentError, refusalOf, resourceMustAskError } from '../error.js'
import type { Tell } from '../explanation.js'
import type { Self } from '../identity/credentials.js'
import type { AgentState } from '../state/state.js'
import { checkParticipant, invalidAnswerError } from '../wire/participant.js'
import { type SingleFlight, singleFlight } from '../wire/single-flight.js'
import { invalidCallbackError } from './callback.js'
import { canonicalScope, covers, type Grant, type Grants, isUsable, scopesOf } from './grants.js'
import type { CallbackReceiver, CallbackResult, FirstAnswer, SentRequest, UserInteraction } from './interact.js'
import type { CheckedOffer } from './resource-token.js'
import type { Form, RedemptionContext, RequestedGrant } from './token-context.js'
import { checkAndKeepGrant, checkGrant, postTokenRequest } from './token-request.js'

/** The call that needs a grant. */
export interface Requester {
  readonly self: Self
  readonly tell: Tell
  /** Ends the waiting of this call; the token request goes on while another call waits for it. */
  readonly signal?: AbortSignal | undefined
  /** `purpose` and `login_hint` for the user. */
  readonly hints?: Form
  /** The purposes of the call, sorted, with single spaces; undefined where there are none. */
  readonly purposes?: string | undefined
  /** The refreshes that have failed in this call, and why. */
  readonly failed: FailedRequests
}

/** Requests to other participants that have failed in one call, by name: they are not made again in it. */
export type FailedRequests = Map<string, unknown>

/** What this call has tried already. */
export interface EarlierTries {
  /** Auth tokens that the resource has refused. */
  readonly refused: ReadonlySet<string>
  /** False once a refreshed token was refused too: then only a new request helps while that token is valid. */
  readonly mayRefresh: boolean
}

/** A grant, and where it is from: state, a refresh just now, or a new request. */
export interface Obtained {
  readonly grant: Grant
  readonly by: 'state' | 'refresh' | 'request'
}

/** Gets grants and refreshes them, with one request at a time per issuer, resource and scope. */
export interface Authorization {
  /** Returns the newest grant for a resource, as it is in state; undefined when there is none. Sends nothing. */
  newest(self: Self, resource: string, purposes: string | undefined): Promise<Grant | undefined>
  /** Returns the newest grant for a resource, refreshed if due; undefined when there is none. */
  findStarting(requester: Requester, resource: string): Promise<Grant | undefined>
  /** Returns a grant that covers the scope, refreshed if due; undefined when there is none. */
  findCovering(requester: Requester, wanted: GrantQuery): Promise<Grant | undefined>
  /** Gets a grant for a resource token: a stored grant that covers it, refreshed if needed, else by a new request. */
  obtain(requester: Requester, offer: CheckedOffer, attempt: EarlierTries): Promise<Obtained>
  /** Gets the approval of one request, which a user gives: one that a callback has brought already, or by a new question. */
  approve(
    requester: Requester,
    offer: CheckedOffer & { readonly operation: Operation },
    sent: SentRequest,
  ): Promise<Grant>
  /** Gets a grant by a new request. */
  request(requester: Requester, asked: RequestedGrant, form: Form): Promise<Grant>
  /** Handles a callback to the app's own route. */
  receiveCallback(url: URL, tell: Tell): Promise<CallbackResult>
  /**
   * Returns the interaction code of a resource, for one request to carry: a code that a callback has brought already, or,
   * with `page`, the code that comes back after the user was sent there; undefined when there is none, or another call took it.
   */
  interactionCode(requester: Requester, resource: string, page?: string): Promise<string | undefined>
}

/** A scope at a resource, from one issuer or any. */
export interface GrantQuery {
  readonly resource: string
  readonly scope: readonly string[]
  readonly issuer?: string | undefined
}

/** What getting grants needs. */
export interface AuthorizationContext extends Omit<RedemptionContext, 'grants'> {
  readonly userInteraction: UserInteraction
  /** The user whose grants these are; undefined for the agent's own. */
  readonly user: string | undefined
  /** The user's part of the agent's state. */
  readonly state: AgentState
}

interface Context extends AuthorizationContext {
  readonly grants: Grants
  readonly once: SingleFlight
}

type Renewable = Grant & { readonly refreshToken: string }

export function authorization(grants: Grants, options: AuthorizationContext): Authorization {
  const context: Context = { ...options, grants, once: singleFlight() }
  return {
    newest: async (self, resource, purposes) => (await acceptedGrants({ self, purposes }, resource, context))[0],
    async findStarting(requester, resource) {
      const [newest] = await acceptedGrants(requester, resource, context)
      return newest === undefined ? undefined : refreshIfDue(newest, requester, context)
    },
    async findCovering(requester, wanted) {
      const held = await findGrant(requester, wanted, context)
      return held === undefined ? undefined : refreshIfDue(held, requester, context)
    },
    async obtain(requester, offer, { refused, mayRefresh }) {
      const { resource, scope, authServer: issuer } = offer
      const held = await findGrant(requester, { resource, scope, issuer }, context)
      // Another call may have got this grant since the resource wrote its challenge.
      if (held !== undefined && isUsable(held, requester.self, context) && !refused.has(held.authToken))
        return { grant: held, by: 'state' }
      // A token that ended while the user decided was refused for that alone, so it may be refreshed.
      const isDue = held !== undefined && (mayRefresh || !isUsable(held, requester.self, context))
      const again = isDue && isRenewable(held) ? await refresh(held, requester, context) : undefined
      if (again !== undefined) return { grant: again, by: 'refresh' }
      const form = { resource_token: offer.resourceToken }
      return { grant: await requestGrant({ issuer, resource, scope }, { form, requester }, context), by: 'request' }
    },
    async approve(requester, { resource, scope, authServer: issuer, resourceToken, operation }, sent) {
      // First: an answer that is here already is for the request that the user was shown.
      await context.userInteraction.checkOperation(operation, sent)
      const take = (): Promise<Grant | undefined> =>
        context.grants.takeApproval(requester.self, resource, operation.digest)
      const brought = await take()
      if (brought !== undefined && isUsable(brought, requester.self, context)) return brought
      const form = { resource_token: resourceToken }
      await requestGrant({ issuer, resource, scope, operation }, { form, requester }, context)
      // Taken, not kept: two calls that send the same bytes need two approvals.
      const taken = await take()
      if (taken === undefined) throw new AgentError('denied', 'another call has used this approval')
      return taken
    },
    request: (requester, asked, form) => requestGrant(asked, { form, requester }, context),
    receiveCallback: async (url, tell) => {
      if (context.userInteraction.receiveCallback === undefined)
        throw new AgentError('unsupported', 'this agent takes no callbacks: its `interact` is no callbackRoute')
      // From memory only: a stranger who calls the route of the app must not make the agent enrol or renew.
      const self = await context.credentials.remembered()
      if (self === undefined) throw invalidCallbackError('state')
      return context.userInteraction.receiveCallback(url, receiverOf({ self, tell }, context))
    },
    interactionCode: async (requester, resource, page) => {
      const { userInteraction, user } = context
      const { signal } = requester
      // This agent cannot send its user, so the caller gets the url.
      if (page !== undefined && userInteraction.interactionCode === undefined) throw resourceMustAskError(page)
      return userInteraction.interactionCode?.({ ...receiverOf(requester, context), user, signal, resource, page })
    },
  }
}

/** Returns the stored grants of accepted issuers: one that was removed from the list gets no refresh token any more. */
async function acceptedGrants(
  { self, purposes }: Pick<Requester, 'self' | 'purposes'>,
  resource: string,
  context: Context,
): Promise<readonly Grant[]> {
  const { grants, acceptAuthServer = [] } = context
  const all = await grants.at(self, resource, purposes)
  const verdicts = await Promise.all(all.map(({ issuer }) => isListed(acceptAuthServer, issuer)))
  return all.filter((_, index) => verdicts[index])
}

async function findGrant(
  requester: Requester,
  { resource, scope, issuer }: GrantQuery,
  context: Context,
): Promise<Grant | undefined> {
  const all = await acceptedGrants(requester, resource, context)
  return all.find(grant => (issuer === undefined || grant.issuer === issuer) && covers(grant, scope))
}

async function refreshIfDue(grant: Grant, requester: Requester, context: Context): Promise<Grant | undefined> {
  if (isUsable(grant, requester.self, context)) return grant
  try {
    if (isRenewable(grant)) return await refresh(grant, requester, context)
  } catch (error) {
    // The token could not be refreshed, but has not ended yet.
    if (grant.jkt === requester.self.jkt && grant.expires > context.now()) return grant
    // The auth server may refuse today and keep the grant. Without it the call begins at a lower level.
    if (error instanceof AgentError && error.code === 'denied') return undefined
    throw error
  }
  await context.grants.drop(requester.self, grant)
  return undefined
}

/** Returns the grant with a fresh token; undefined when its issuer no longer knows the grant, which is then dropped. */
async function refresh(
  grant: Renewable,
  { self, tell, failed }: Requester,
  context: Context,
): Promise<Grant | undefined> {
  const { issuer, resource, refreshToken } = grant
  const form = { request_type: 'refresh', refresh_token: refreshToken }
  const asked = { issuer, resource, scope: scopesOf(grant), purposes: grant.purposes }
  const task = async (): Promise<Grant | undefined> => {
    tell(issuer, 'refresh', `refreshing the auth token for ${resource} at ${issuer}`)
    try {
      const answer = await postTokenRequest({ issuer, form, tell }, self, context)
      const renewed = { refreshToken, ...(await checkGrant(answer, { asked, self }, context)) }
      // A session belongs to one user: an answer that names another must not hand it over (session swap) (agent.tokens.per-user).
      if (grant.sub !== undefined && renewed.sub !== grant.sub) throw invalidAnswerError('auth server', 'sub')
      await context.grants.keep(self, renewed)
      return renewed
    } catch (error) {
      if (refusalOf(error)?.error !== 'invalid_grant') throw error
      tell(issuer, 'refresh', `${issuer} no longer knows this grant, so it is forgotten`)
      await context.grants.drop(self, grant)
      return undefined
    }
  }
  const joined = (): void => tell(issuer, 'refresh', `awaiting the call that refreshes at ${issuer}`)
  const key = `refresh ${taskKey(self, asked)}`
  // A challenge that follows is no reason to ask again: an auth server that is down must not be asked at every step (sig.replay.no-repeat).
  if (failed.has(key)) throw failed.get(key)
  try {
    return await context.once(key, task, { joined })
  } catch (error) {
    failed.set(key, error)
    throw error
  }
}

function requestGrant(
  wanted: RequestedGrant,
  { form, requester }: { readonly form: Form; readonly requester: Requester },
  context: Context,
): Promise<Grant> {
  const { self, tell, signal, purposes } = requester
  const asked = { ...wanted, purposes }
  const hints = { ...requester.hints, ...(purposes && { purposes }) }
  const { issuer, resource, scope, operation } = asked
  const what = `${operation === undefined ? '' : 'an approval of one request for '}${canonicalScope(scope)} at ${resource}`
  const task = (abandoned: AbortSignal): Promise<Grant> => {
    tell(issuer, 'authorize', `asking ${issuer} for ${what}`)
    return context.userInteraction.obtainGrant({
      ...receiverOf(requester, context),
      asked,
      abandoned,
      user: context.user,
      begin: more => sendFirstRequest(asked, { form: { ...more, ...form, ...hints }, self, tell }, context),
      authEndpoint: async () =>
        (await checkParticipant('auth server', () => context.discovery.authServer(issuer))).agent_auth_endpoint,
    })
  }
  const joined = (): void => tell(issuer, 'authorize', `awaiting the call that asks ${issuer} for ${what}`)
  return context.once(`auth ${taskKey(self, asked)}`, task, { joined, signal })
}

async function sendFirstRequest(
  asked: RequestedGrant,
  { form, self, tell }: { readonly form: Form } & Pick<Requester, 'self' | 'tell'>,
  context: Context,
): Promise<FirstAnswer> {
  const { issuer, scope } = asked
  const answer = await postTokenRequest({ issuer, form, tell, scope }, self, context)
  return answer['auth_token'] === undefined
    ? { answer }
    : { grant: await checkAndKeepGrant(answer, { asked, self }, context) }
}

function receiverOf({ self, tell }: Pick<Requester, 'self' | 'tell'>, context: Context): CallbackReceiver {
  const owner = `${self.agent} ${self.delegate ?? ''}`
  return { state: context.state, owner, tell, redemption: context }
}

function taskKey(self: Self, { issuer, resource, scope, purposes, operation }: RequestedGrant): string {
  return [self.jkt, issuer, resource, operation?.digest, canonicalScope(scope), '/', purposes].join(' ')
}

function isRenewable(grant: Grant): grant is Renewable {
  return grant.refreshToken !== undefined
}
