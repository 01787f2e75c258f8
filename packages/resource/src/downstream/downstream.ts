import type { Pending } from '@countersign/agent'
import { type ExchangingAgent, exchangingAgent } from '@countersign/agent/internal'
import type { Discovery } from '@countersign/discovery'
import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { type Deadline, randomText, signalledInTime } from '@countersign/httpsig/internal'
import { type IdentifierList, type PublishedKey, parseAgentInteraction } from '@countersign/protocol'
import { checkIdentifierList, cookiesOf, refusal } from '@countersign/protocol/internal'
import type { ClientOf, Verified } from '@countersign/verify'
import { type Answered, type Downstream, Setback } from '../guard/called.js'
import type { Observer } from '../guard/event.js'
import { callbackPath, interactPath } from '../guard/metadata.js'
import { available } from '../limit/available.js'
import type { Counter } from '../limit/counter.js'
import type { PendingOAuth } from '../oauth/oauth.js'
import { grantKey, type RevocationSet } from '../revocation/revocation-set.js'
import { grantOf } from '../revocation/revoked.js'
import { interactionLife, interactionRoutes } from './interaction.js'
import { type InteractionSessions, memoryInteractions } from './interaction-sessions.js'
import { type Mandate, mandateOf, ownerOf, upstreamOf } from './mandate.js'
import { type OAuthDownstream, type OAuthOptions, oauthDownstream } from './oauth-downstream.js'
import { away, refusalAfter } from './refusal.js'

/** How a resource calls others for the requests that it answers. */
export interface DownstreamOptions {
  /** Auth servers it asks to exchange tokens. No default. */
  readonly acceptAuthServer: IdentifierList
  /** Origins that the resource identifies itself to. Default: `any`, since only its own handlers name URLs. */
  readonly identifyTo?: IdentifierList
  /** What it is called where users are asked about it; claimed, and shown as such. */
  readonly name?: string
  /** Further `redirect_uris` of the resource as an agent, beside its own callback: e.g. of a sign-in elsewhere. */
  readonly redirectUris?: readonly string[]
  /** Seconds until a downstream call, or what a browser's return needs, must have been answered; a body may come later. Default 10. */
  readonly deadline?: number
  /** Remembers which users are being asked. Default: in the memory of this process. */
  readonly sessions?: InteractionSessions
  /** APIs behind OAuth that it calls for its users, by `aauth.oauth`. Default none. */
  readonly oauth?: OAuthOptions
  /**
   * Sends requests. Default: the platform's for the URLs that handlers call and for APIs behind OAuth, which you have chosen; token
   * requests, whose URLs others publish, reach on Node public addresses only.
   */
  readonly fetch?: typeof fetch
}

/** What the downstream side of a resource works with. */
export interface DownstreamContext {
  readonly id: string
  /** Where its keys are. */
  readonly jwksUri: string
  readonly key: PublishedKey
  readonly discovery: Discovery
  readonly counter: Counter
  readonly revocations: RevocationSet | undefined
  readonly clientOf: ClientOf
  readonly tell: Observer
  readonly now: () => number
  readonly development: boolean
}

/**
 * Makes the downstream side of a resource: an agent under the resource's own identifier and key, and the pages between a
 * caller's user and the service that asks them.
 * @throws TypeError for an option that is wrong
 * @see protocol §7
 */
export function createDownstream(options: DownstreamOptions, context: DownstreamContext): Downstream {
  const { id, key, now, development } = context
  const { acceptAuthServer, identifyTo = 'any', redirectUris = [], deadline = 10 } = options
  for (const list of [acceptAuthServer, identifyTo]) checkIdentifierList(list, { development })
  if (!(deadline > 0 && deadline <= 600)) throw new TypeError('deadline must be seconds above 0, at most 600')
  // A slow downstream service must not hold callers up without end (F-52).
  const wait: Deadline = { seconds: deadline, late: () => away() }
  const { sessions = memoryInteractions(now) } = options
  const send = options.fetch === undefined ? {} : { fetch: options.fetch }
  const redirectUri = `${id}${callbackPath}`
  const agent = exchangingAgent<Mandate>({
    id,
    key,
    acceptAuthServer,
    identifyTo,
    redirectUri,
    now,
    development,
    discovery: context.discovery,
    ...send,
    suspend: async (pending, mandate) => {
      throw await suspended(pending, mandate, { id, sessions, now })
    },
  })
  const oauth = options.oauth === undefined ? undefined : oauthDownstream(options.oauth, { ...context, ...send })
  const accepted = new WeakSet<ReceivedMessage>()
  context.revocations?.watch(revoked => {
    if (revoked !== 'unknown') agent.forget(grantKey(revoked))
  })
  return {
    metadata: {
      issuer: id,
      agent: id,
      jwks_uri: context.jwksUri,
      redirect_uris: [redirectUri, ...redirectUris],
      ...(options.name === undefined ? {} : { name: options.name }),
    },
    routes: interactionRoutes({
      ...context,
      sessions,
      agent,
      wait,
      oauth,
      cookies: cookiesOf(id),
    }),
    async accept(message, verified) {
      // One request that meets two guards brings its code once.
      if (headerValues(message, 'agent-interaction').length === 0 || accepted.has(message)) return
      await resume(message, verified, { agent, sessions })
      accepted.add(message)
    },
    answer: ({ verified }, code, seconds) => awaitAnswer(code, verified, { agent, sessions, seconds }),
    ...callsOf({ ...context, id, sessions, agent, wait, oauth }),
  }
}

interface CallsContext extends SessionContext, Pick<DownstreamContext, 'counter' | 'revocations'> {
  readonly agent: ExchangingAgent<Mandate>
  readonly wait: Deadline
  readonly oauth: OAuthDownstream | undefined
}

/** The calls of handlers to other services. */
function callsOf({
  agent,
  wait,
  oauth,
  counter,
  revocations,
  ...context
}: CallsContext): Pick<Downstream, 'fetch' | 'oauth'> {
  return {
    fetch: (called, input, init) =>
      orSetback(() => {
        const mandate = mandateOf(called)
        refuseHeard(called.verified, revocations)
        const outer = signalOf(input, init)
        return signalledInTime({ ...wait, outer }, signal => agent.fetch(mandate, input, { ...init, signal }))
      }),
    oauth: (called, api, input, init) =>
      orSetback(() => {
        if (oauth === undefined) throw new TypeError('aauth.oauth needs the option oauth of downstream')
        const mandate = mandateOf(called)
        const owner = ownerOf(called.verified)
        const ask = askingUser(mandate, counter, context)
        return signalledInTime({ ...wait, outer: signalOf(input, init) }, signal =>
          oauth.fetch({ api, owner, request: new Request(input, { ...init, signal }) }, ask),
        )
      }),
  }
}

/** A handler that is still running must not go on in the name of a grant that has ended meanwhile. @throws Setback */
function refuseHeard({ caller }: Verified, revocations: RevocationSet | undefined): void {
  const grant = grantOf(caller)
  if (grant === undefined || revocations?.hasHeard(grant) !== true) return
  const error = refusal('grant_ended')
  throw new Setback({ error, ask: 'identity' })
}

/** The refusal for the caller of the resource when a call to another service fails. */
async function orSetback<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (thrown) {
    if (thrown instanceof Setback) throw thrown
    const refusal = refusalAfter(thrown)
    throw refusal === undefined ? thrown : new Setback(refusal)
  }
}

interface SessionContext {
  readonly id: string
  readonly sessions: InteractionSessions
  readonly now: () => number
}

/** Sends the user to the provider, unless they were sent too often. */
function askingUser(
  mandate: Mandate,
  counter: Counter,
  context: SessionContext,
): (begin: () => Promise<PendingOAuth>) => Promise<never> {
  return async begin => {
    await mayAsk(mandate, counter)
    throw await suspended(await begin(), mandate, context)
  }
}

async function suspended(
  pending: Pending | PendingOAuth,
  { agent, principal, asking }: Mandate,
  { id, sessions, now }: SessionContext,
): Promise<Setback> {
  const session = { id: randomText(), agent, principal, asking, pending, expires: now() + interactionLife }
  await sessions.add(session)
  const urlOf = (one: { readonly id: string }): string => `${id}${interactPath}?session=${one.id}`
  return new Setback({
    error: refusal('user_needed'),
    ask: 'user',
    userInteraction: urlOf(session),
    async question() {
      // Another session: whether its user is sent back must not be for the opener of a link to choose.
      const id = randomText()
      const alone = { ...session, id, code: `${id}.${randomText()}` }
      await sessions.add(alone)
      return { url: urlOf(alone), code: alone.code }
    },
  })
}

/** Each begins a sign-in at the user's auth server, which lets this resource have only so many for all its users together. */
async function mayAsk({ principal }: Mandate, counter: Counter): Promise<void> {
  const key = JSON.stringify(['sign-in', principal])
  const { within, seconds } = await available(counter.take(key, { count: 16, seconds: interactionLife }), 'handling')
  if (within) return
  throw refusal('asked_too_often', { retryAfter: seconds })
}

async function resume(
  message: ReceivedMessage,
  verified: Verified,
  { agent, sessions }: { readonly agent: ExchangingAgent<Mandate>; readonly sessions: InteractionSessions },
): Promise<void> {
  const code = parseAgentInteraction(headerValues(message, 'agent-interaction').join(', '))
  const mandate = upstreamOf(verified)
  const kept = mandate === undefined ? undefined : await sessions.redeem(code, mandate.principal)
  if (mandate === undefined || kept === undefined) throw refusal('interaction_code_invalid')
  if (kept.answer !== undefined) await agent.resume(mandate, kept.answer)
}

/** Seconds between two looks for an answer. */
const lookEvery = 0.5
/** Looks in which the answer of a session that is gone must appear: another service may take ten seconds to redeem it. */
const looksOfAnswer = 24

/** Waits for the answer to a question that this caller was asked, so that its calls can use it. */
async function awaitAnswer(
  code: string,
  verified: Verified,
  { agent, sessions, seconds }: AnswerContext,
): Promise<Answered> {
  const mandate = upstreamOf(verified)
  if (mandate === undefined) return 'open'
  const [session = ''] = code.split('.')
  let looksWithout = 0
  for (let left = seconds; ; left -= lookEvery) {
    const kept = await sessions.redeem(code, mandate.principal)
    if (kept?.denied) return 'denied'
    if (kept?.answer !== undefined) await agent.resume(mandate, kept.answer)
    if (kept !== undefined) return 'agreed'
    // A browser that is back has taken the session, and its answer may be under way.
    looksWithout = (await sessions.find(session)) === undefined ? looksWithout + 1 : 0
    if (looksWithout > looksOfAnswer) return 'gone'
    if (left <= 0) return 'open'
    await new Promise(resolve => setTimeout(resolve, lookEvery * 1000))
  }
}

interface AnswerContext {
  readonly agent: ExchangingAgent<Mandate>
  readonly sessions: InteractionSessions
  readonly seconds: number
}

function signalOf(input: string | URL | Request, init: RequestInit | undefined): AbortSignal | undefined {
  return init?.signal ?? (input instanceof Request ? input.signal : undefined)
}
