import { isListed } from '@countersign/protocol'
import { AgentError, mustAsk, refusalOf } from '../error.js'
import type { Tell } from '../explanation.js'
import type { Self } from '../identity/credentials.js'
import type { AgentState } from '../state/state.js'
import { checked, invalidAnswer } from '../wire/participant.js'
import { type SingleFlight, singleFlight } from '../wire/single-flight.js'
import { invalidCallback } from './callback.js'
import { canonicalScope, covers, type Grant, type Grants, scopesOf } from './grants.js'
import type { Begun, Interviewer, Received, Reception } from './interact.js'
import type { Asked, Form } from './requested-grant.js'
import type { CheckedHandout } from './resource-token.js'
import type { RedemptionContext } from './token-context.js'
import { askAuthServer, grantOf, keptGrant } from './token-request.js'

/** For whom a grant is wanted, and who is told how it is got. */
export interface Applicant {
  readonly self: Self
  readonly tell: Tell
  /** With it the caller leaves; the request goes on while somebody else waits for it. */
  readonly signal?: AbortSignal | undefined
  /** What the user is told, and who they should be: `purpose` and `login_hint`. */
  readonly hints?: Form
}

/** How earlier grants fared in this very call. */
export interface Attempt {
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
  known(self: Self, resource: string): Promise<boolean>
  /** The grant to begin with at a resource, refreshed where that is due; undefined when there is none that serves. */
  ready(applicant: Applicant, resource: string): Promise<Grant | undefined>
  /** A usable grant that covers the scope, of one issuer if one is named; undefined when there is none. */
  covering(applicant: Applicant, wanted: Wanted): Promise<Grant | undefined>
  /** A grant for what a resource asks, by refresh where a stored one covers it, else by a new request. */
  obtain(applicant: Applicant, handout: CheckedHandout, attempt: Attempt): Promise<Obtained>
  /** A grant by a new request. */
  request(applicant: Applicant, asked: Asked, form: Form): Promise<Grant>
  /** What a browser brought to the app's own route. */
  receive(url: URL, tell: Tell): Promise<Received>
  /**
   * How a page of a resource's own has answered, for one request to carry: what this user's browser has brought meanwhile,
   * or, with `page`, what it brings when they are sent there; undefined when another call has taken it.
   */
  answer(applicant: Applicant, resource: string, page?: string): Promise<string | undefined>
}

/** A scope at a resource, from any issuer or one. */
export interface Wanted {
  readonly resource: string
  readonly scope: readonly string[]
  readonly issuer?: string
}

/** What an authorization works with. */
export interface AuthorizationContext extends Omit<RedemptionContext, 'grants'> {
  readonly interviewer: Interviewer
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
    known: async (self, resource) => (await accepted(self, resource, context)).length > 0,
    async ready(applicant, resource) {
      const [newest] = await accepted(applicant.self, resource, context)
      return newest === undefined ? undefined : fresh(newest, applicant, context)
    },
    async covering(applicant, wanted) {
      const held = await find(applicant.self, wanted, context)
      return held === undefined ? undefined : fresh(held, applicant, context)
    },
    async obtain(applicant, handout, { refused, mayRefresh }) {
      const { resource, scope, authServer: issuer } = handout
      const held = await find(applicant.self, { resource, scope, issuer }, context)
      // Another call may have got it since this challenge was written.
      if (held !== undefined && usable(held, applicant.self, context) && !refused.has(held.authToken))
        return { grant: held, isNew: false }
      // A user may have thought longer than a token lives: one that had ended was turned down for that alone.
      const isDue = held !== undefined && (mayRefresh || !usable(held, applicant.self, context))
      const again = isDue && isRenewable(held) ? await refresh(held, applicant, context) : undefined
      if (again !== undefined) return { grant: again, isNew: false }
      const form = { resource_token: handout.resourceToken }
      return { grant: await authorize({ issuer, resource, scope }, { form, applicant }, context), isNew: true }
    },
    request: (applicant, asked, form) => authorize(asked, { form, applicant }, context),
    receive: async (url, tell) => {
      if (context.interviewer.receive === undefined)
        throw new AgentError('unsupported', 'this agent takes no callbacks: its `interact` is no callbackRoute')
      // Asks nobody: whoever calls the route of the app must not make the agent enrol or renew.
      const self = await context.credentials.remembered()
      if (self === undefined) throw invalidCallback('state')
      return context.interviewer.receive(url, reception({ self, tell }, context))
    },
    answer: async (applicant, resource, page) => {
      const { interviewer, user } = context
      const { signal } = applicant
      // The user's part is the caller's.
      if (page !== undefined && interviewer.answer === undefined) throw mustAsk(page)
      return interviewer.answer?.({ ...reception(applicant, context), user, signal, resource, page })
    },
  }
}

/** Stored grants, without those of an issuer that was taken off the list since: it gets no refresh token any more. */
async function accepted(self: Self, resource: string, context: Context): Promise<readonly Grant[]> {
  const { grants, acceptAuthServer = [] } = context
  const all = await grants.at(self, resource)
  const verdicts = await Promise.all(all.map(({ issuer }) => isListed(acceptAuthServer, issuer)))
  return all.filter((_, index) => verdicts[index])
}

async function find(self: Self, { resource, scope, issuer }: Wanted, context: Context): Promise<Grant | undefined> {
  const all = await accepted(self, resource, context)
  return all.find(grant => (issuer === undefined || grant.issuer === issuer) && covers(grant, scope))
}

/** Bound to the key that signs now, and not about to end while it is on its way. */
function usable(grant: Grant, self: Self, { now }: Context): boolean {
  return grant.jkt === self.jkt && grant.renewAt > now()
}

async function fresh(grant: Grant, applicant: Applicant, context: Context): Promise<Grant | undefined> {
  if (usable(grant, applicant.self, context)) return grant
  try {
    if (isRenewable(grant)) return await refresh(grant, applicant, context)
  } catch (error) {
    // Not refreshed is not yet ended.
    if (grant.jkt === applicant.self.jkt && grant.expires > context.now()) return grant
    // Policy may say no today and keep the grant: the resource decides what the agent is without it.
    if (error instanceof AgentError && error.code === 'denied') return undefined
    throw error
  }
  await context.grants.drop(applicant.self, grant)
  return undefined
}

/** A fresh token for a grant, or undefined when its issuer no longer knows it: then it is forgotten. */
function refresh(grant: Renewable, { self, tell }: Applicant, context: Context): Promise<Grant | undefined> {
  const { issuer, resource, refreshToken } = grant
  const form = { request_type: 'refresh', refresh_token: refreshToken }
  const asked = { issuer, resource, scope: scopesOf(grant) }
  const task = async (): Promise<Grant | undefined> => {
    tell(issuer, 'refresh', `refreshing the auth token for ${resource} at ${issuer}`)
    try {
      const answer = await askAuthServer({ issuer, form }, self, context)
      const renewed = { refreshToken, ...(await grantOf(answer, asked, self, context)) }
      // A session is one user's: an answer about another must not turn it into theirs.
      if (grant.sub !== undefined && renewed.sub !== grant.sub) throw invalidAnswer('auth server', 'sub')
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
  return context.once(`refresh ${flightKey(self, asked)}`, task, { joined })
}

function authorize(
  asked: Asked,
  { form, applicant }: { readonly form: Form; readonly applicant: Applicant },
  context: Context,
): Promise<Grant> {
  const { issuer, resource, scope } = asked
  const { self, tell, signal, hints = {} } = applicant
  const what = `${canonicalScope(scope)} at ${resource}`
  const task = (abandoned: AbortSignal): Promise<Grant> => {
    tell(issuer, 'authorize', `asking ${issuer} for ${what}`)
    return context.interviewer.obtain({
      ...reception(applicant, context),
      ...{ asked, abandoned, user: context.user },
      begin: more => firstAnswer(asked, { form: { ...more, ...form, ...hints }, self }, context),
      authEndpoint: async () =>
        (await checked('auth server', () => context.discovery.authServer(issuer))).agent_auth_endpoint,
    })
  }
  const joined = (): void => tell(issuer, 'authorize', `awaiting the call that asks ${issuer} for ${what}`)
  return context.once(`auth ${flightKey(self, asked)}`, task, { joined, signal })
}

async function firstAnswer(
  asked: Asked,
  { form, self }: { readonly form: Form; readonly self: Self },
  context: Context,
): Promise<Begun> {
  const answer = await askAuthServer({ issuer: asked.issuer, form }, self, context)
  return answer['auth_token'] === undefined ? { answer } : { grant: await keptGrant(answer, { asked, self }, context) }
}

function reception({ self, tell }: Applicant, context: Context): Reception {
  const owner = `${self.agent} ${self.delegate ?? ''}`
  return { state: context.state, owner, tell, redemption: context }
}

function flightKey(self: Self, { issuer, resource, scope }: Asked): string {
  return [self.jkt, issuer, resource, canonicalScope(scope)].join(' ')
}

function isRenewable(grant: Grant): grant is Renewable {
  return grant.refreshToken !== undefined
}
