import { isListed } from '@countersign/protocol'
import { AgentError, refusalOf, resourceMustAskError } from '../error.js'
import type { Tell } from '../explanation.js'
import type { Self } from '../identity/credentials.js'
import type { AgentState } from '../state/state.js'
import { checkParticipant, invalidAnswerError } from '../wire/participant.js'
import { type SingleFlight, singleFlight } from '../wire/single-flight.js'
import { invalidCallbackError } from './callback.js'
import { canonicalScope, covers, type Grant, type Grants, scopesOf } from './grants.js'
import type { CallbackReceiver, CallbackResult, FirstAnswer, UserInteraction } from './interact.js'
import type { Form, RequestedGrant } from './requested-grant.js'
import type { CheckedOffer } from './resource-token.js'
import type { RedemptionContext } from './token-context.js'
import { checkAndKeepGrant, checkGrant, postTokenRequest } from './token-request.js'

/** For whom a grant is wanted, and who is told how it is got. */
export interface Requester {
  readonly self: Self
  readonly tell: Tell
  /** With it the caller leaves; the request goes on while somebody else waits for it. */
  readonly signal?: AbortSignal | undefined
  /** What the user is told, and who they should be: `purpose` and `login_hint`. */
  readonly hints?: Form
}

/** How earlier grants fared in this very call. */
export interface EarlierTries {
  /** Auth tokens the resource has just turned down. */
  readonly refused: ReadonlySet<string>
  /** False once a refreshed token was turned down, too: while it lives only a new request can help then. */
  readonly mayRefresh: boolean
}

/** A grant, and whether it was asked for just now, of a user where one decides. */
export interface Obtained {
  readonly grant: Grant
  readonly isNew: boolean
}

/** Obtains grants and keeps them fresh: one request at a time per issuer, resource and scope. */
export interface Authorization {
  /** Whether state knows a grant at this resource that could serve, or be refreshed. Asks nobody. */
  hasGrant(self: Self, resource: string): Promise<boolean>
  /** The grant to begin with at a resource, refreshed where that is due; undefined when there is none that serves. */
  findStarting(requester: Requester, resource: string): Promise<Grant | undefined>
  /** A usable grant that covers the scope, of one issuer if one is named; undefined when there is none. */
  findCovering(requester: Requester, wanted: GrantQuery): Promise<Grant | undefined>
  /** A grant for what a resource asks, by refresh where a stored one covers it, else by a new request. */
  obtain(requester: Requester, offer: CheckedOffer, attempt: EarlierTries): Promise<Obtained>
  /** A grant by a new request. */
  request(requester: Requester, asked: RequestedGrant, form: Form): Promise<Grant>
  /** What a browser brought to the app's own route. */
  receiveCallback(url: URL, tell: Tell): Promise<CallbackResult>
  /**
   * How a page of a resource's own has answered, for one request to carry: what this user's browser has brought meanwhile,
   * or, with `page`, what it brings when they are sent there; undefined when another call has taken it.
   */
  interactionCode(requester: Requester, resource: string, page?: string): Promise<string | undefined>
}

/** A scope at a resource, from any issuer or one. */
export interface GrantQuery {
  readonly resource: string
  readonly scope: readonly string[]
  readonly issuer?: string
}

/** What an authorization works with. */
export interface AuthorizationContext extends Omit<RedemptionContext, 'grants'> {
  readonly userInteraction: UserInteraction
  /** Whose grants these are; undefined for the agent's own. */
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
    hasGrant: async (self, resource) => (await acceptedGrants(self, resource, context)).length > 0,
    async findStarting(requester, resource) {
      const [newest] = await acceptedGrants(requester.self, resource, context)
      return newest === undefined ? undefined : refreshIfDue(newest, requester, context)
    },
    async findCovering(requester, wanted) {
      const held = await findGrant(requester.self, wanted, context)
      return held === undefined ? undefined : refreshIfDue(held, requester, context)
    },
    async obtain(requester, offer, { refused, mayRefresh }) {
      const { resource, scope, authServer: issuer } = offer
      const held = await findGrant(requester.self, { resource, scope, issuer }, context)
      // Another call may have got it since this challenge was written.
      if (held !== undefined && isUsable(held, requester.self, context) && !refused.has(held.authToken))
        return { grant: held, isNew: false }
      // A user may have thought longer than a token lives: one that had ended was turned down for that alone.
      const isDue = held !== undefined && (mayRefresh || !isUsable(held, requester.self, context))
      const again = isDue && isRenewable(held) ? await refresh(held, requester, context) : undefined
      if (again !== undefined) return { grant: again, isNew: false }
      const form = { resource_token: offer.resourceToken }
      return { grant: await requestGrant({ issuer, resource, scope }, { form, requester }, context), isNew: true }
    },
    request: (requester, asked, form) => requestGrant(asked, { form, requester }, context),
    receiveCallback: async (url, tell) => {
      if (context.userInteraction.receiveCallback === undefined)
        throw new AgentError('unsupported', 'this agent takes no callbacks: its `interact` is no callbackRoute')
      // Asks nobody: whoever calls the route of the app must not make the agent enrol or renew.
      const self = await context.credentials.remembered()
      if (self === undefined) throw invalidCallbackError('state')
      return context.userInteraction.receiveCallback(url, receiverOf({ self, tell }, context))
    },
    interactionCode: async (requester, resource, page) => {
      const { userInteraction, user } = context
      const { signal } = requester
      // The user's part is the caller's.
      if (page !== undefined && userInteraction.interactionCode === undefined) throw resourceMustAskError(page)
      return userInteraction.interactionCode?.({ ...receiverOf(requester, context), user, signal, resource, page })
    },
  }
}

/** Stored grants, without those of an issuer that was taken off the list since: it gets no refresh token any more. */
async function acceptedGrants(self: Self, resource: string, context: Context): Promise<readonly Grant[]> {
  const { grants, acceptAuthServer = [] } = context
  const all = await grants.at(self, resource)
  const verdicts = await Promise.all(all.map(({ issuer }) => isListed(acceptAuthServer, issuer)))
  return all.filter((_, index) => verdicts[index])
}

async function findGrant(
  self: Self,
  { resource, scope, issuer }: GrantQuery,
  context: Context,
): Promise<Grant | undefined> {
  const all = await acceptedGrants(self, resource, context)
  return all.find(grant => (issuer === undefined || grant.issuer === issuer) && covers(grant, scope))
}

/** Bound to the key that signs now, and not about to end while it is on its way. */
function isUsable(grant: Grant, self: Self, { now }: Context): boolean {
  return grant.jkt === self.jkt && grant.renewAt > now()
}

async function refreshIfDue(grant: Grant, requester: Requester, context: Context): Promise<Grant | undefined> {
  if (isUsable(grant, requester.self, context)) return grant
  try {
    if (isRenewable(grant)) return await refresh(grant, requester, context)
  } catch (error) {
    // Not refreshed is not yet ended.
    if (grant.jkt === requester.self.jkt && grant.expires > context.now()) return grant
    // Policy may say no today and keep the grant: the resource decides what the agent is without it.
    if (error instanceof AgentError && error.code === 'denied') return undefined
    throw error
  }
  await context.grants.drop(requester.self, grant)
  return undefined
}

/** A fresh token for a grant, or undefined when its issuer no longer knows it: then it is forgotten. */
function refresh(grant: Renewable, { self, tell }: Requester, context: Context): Promise<Grant | undefined> {
  const { issuer, resource, refreshToken } = grant
  const form = { request_type: 'refresh', refresh_token: refreshToken }
  const asked = { issuer, resource, scope: scopesOf(grant) }
  const task = async (): Promise<Grant | undefined> => {
    tell(issuer, 'refresh', `refreshing the auth token for ${resource} at ${issuer}`)
    try {
      const answer = await postTokenRequest({ issuer, form }, self, context)
      const renewed = { refreshToken, ...(await checkGrant(answer, asked, self, context)) }
      // A session is one user's: an answer about another must not turn it into theirs.
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
  return context.once(`refresh ${taskKey(self, asked)}`, task, { joined })
}

function requestGrant(
  asked: RequestedGrant,
  { form, requester }: { readonly form: Form; readonly requester: Requester },
  context: Context,
): Promise<Grant> {
  const { issuer, resource, scope } = asked
  const { self, tell, signal, hints = {} } = requester
  const what = `${canonicalScope(scope)} at ${resource}`
  const task = (abandoned: AbortSignal): Promise<Grant> => {
    tell(issuer, 'authorize', `asking ${issuer} for ${what}`)
    return context.userInteraction.obtainGrant({
      ...receiverOf(requester, context),
      ...{ asked, abandoned, user: context.user },
      begin: more => sendFirstRequest(asked, { form: { ...more, ...form, ...hints }, self }, context),
      authEndpoint: async () =>
        (await checkParticipant('auth server', () => context.discovery.authServer(issuer))).agent_auth_endpoint,
    })
  }
  const joined = (): void => tell(issuer, 'authorize', `awaiting the call that asks ${issuer} for ${what}`)
  return context.once(`auth ${taskKey(self, asked)}`, task, { joined, signal })
}

async function sendFirstRequest(
  asked: RequestedGrant,
  { form, self }: { readonly form: Form; readonly self: Self },
  context: Context,
): Promise<FirstAnswer> {
  const answer = await postTokenRequest({ issuer: asked.issuer, form }, self, context)
  return answer['auth_token'] === undefined
    ? { answer }
    : { grant: await checkAndKeepGrant(answer, { asked, self }, context) }
}

function receiverOf({ self, tell }: Requester, context: Context): CallbackReceiver {
  const owner = `${self.agent} ${self.delegate ?? ''}`
  return { state: context.state, owner, tell, redemption: context }
}

function taskKey(self: Self, { issuer, resource, scope }: RequestedGrant): string {
  return [self.jkt, issuer, resource, canonicalScope(scope)].join(' ')
}

function isRenewable(grant: Grant): grant is Renewable {
  return grant.refreshToken !== undefined
}
