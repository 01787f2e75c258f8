import { AgentError, type Exchanged, type PendingConsent } from '@countersign/agent'
import { type ExchangingAgent, refusalOf } from '@countersign/agent/internal'
import type { Discovery } from '@countersign/discovery'
import type { ReceivedMessage } from '@countersign/httpsig'
import { type Deadline, inTime, randomText, textHash } from '@countersign/httpsig/internal'
import { AAuthError, serializeAgentInteraction } from '@countersign/protocol'
import {
  answerUrl,
  asAAuthError,
  type Cookies,
  checkRedirectUri,
  parseQuery,
  type Routes,
  refusal,
  seeOther,
} from '@countersign/protocol/internal'
import type { ClientOf } from '@countersign/verify'
import { networkOf, requestIdOf } from '@countersign/verify/internal'
import type { Observer } from '../guard/event.js'
import { callbackPath, interactPath } from '../guard/metadata.js'
import type { Counter } from '../limit/counter.js'
import type { PendingOAuth } from '../oauth/oauth.js'
import { answeredPage, interactionPage } from './interaction-page.js'
import type { InteractionClaim, InteractionSession, InteractionSessions } from './interaction-sessions.js'
import type { OAuthDownstream } from './oauth-downstream.js'
import { away } from './refusal.js'

/** Seconds that a session lives, and a code. */
export const interactionLife = 600

/** What the pages of interactions work with. */
export interface InteractionContext {
  readonly sessions: InteractionSessions
  readonly agent: Pick<ExchangingAgent<never>, 'redeem'>
  /** Where it reaches APIs behind OAuth. */
  readonly oauth?: OAuthDownstream | undefined
  readonly discovery: Discovery
  readonly cookies: Cookies
  readonly counter: Counter
  readonly clientOf: ClientOf
  /** Seconds until others must have answered what a browser's return needs. */
  readonly wait: Deadline
  readonly tell: Observer
  readonly now: () => number
}

/** The two paths that browsers visit: on the way to the service that asks, and on the way back. @see protocol §7 */
export function interactionRoutes(context: InteractionContext): Routes {
  const page = (answer: (message: ReceivedMessage, context: InteractionContext) => Promise<Response>) => ({
    methods: ['GET'],
    answer: (message: ReceivedMessage) => orPage(message, context, answer),
  })
  const back = (path: string) => page(message => sendBack(message, path, context))
  // bound: fixed
  return new Map([
    [interactPath, page(sendOn)],
    ...[callbackPath, ...(context.oauth?.callbackPaths ?? [])].map(path => [path, back(path)] as const),
  ])
}

/** Every error ends here, with a page: no redirect follows a link that is wrong in any way. */
async function orPage(
  message: ReceivedMessage,
  context: InteractionContext,
  answer: (message: ReceivedMessage, context: InteractionContext) => Promise<Response>,
): Promise<Response> {
  try {
    return await answer(message, context)
  } catch (thrown) {
    const error = asAAuthError(thrown)
    context.tell({ type: 'refused', error, ...requestIdOf(message) })
    if (error.status >= 500) return interactionPage(error)
    // Guessing 256 bits is hopeless; after 60 wrong links in a minute a network is told to wait. Correct links still work, so
    // that an attacker cannot lock out users behind the same address (INT-04).
    const key = JSON.stringify(['interaction', networkOf(context.clientOf(message) ?? '')])
    const counted = context.counter.take(key, { count: 60, seconds: 60 })
    const { within, seconds } = await counted.catch(() => ({ within: true, seconds: 0 }))
    if (within) return interactionPage(error)
    return interactionPage(refusal('guesses_exceeded', { retryAfter: seconds }))
  }
}

/** The first browser to open a session owns it, and is sent to the service that asks the user. */
async function sendOn(message: ReceivedMessage, context: InteractionContext): Promise<Response> {
  const { sessions, discovery } = context
  const query = parseQuery(message.target)
  const [id, returnUrl, state] = ['session', 'return_url', 'state'].map(name => query.get(name))
  const session = id === undefined ? undefined : await sessions.find(id)
  if (session === undefined) throw noLink()
  if (session.code !== undefined) {
    if (returnUrl !== undefined || state !== undefined) throw otherLink()
    return claimedBy({ message, session, returnUrl: '', state: '' }, context)
  }
  if (returnUrl === undefined || state === undefined || !/^[\x20-\x7e]{1,512}$/.test(state)) throw otherLink()
  // An open redirect, else: only where the agent that was sent away says that its users come back to (INT-01, INT-02).
  checkRedirectUri(returnUrl, await discovery.agent(session.agent))
  return claimedBy({ message, session, returnUrl, state }, context)
}

/** A browser that opens a session. */
interface Visit extends Pick<InteractionClaim, 'returnUrl' | 'state'> {
  readonly message: ReceivedMessage
  readonly session: InteractionSession
}

/** Gives a session to the browser that opens it, and sends that on. */
async function claimedBy(
  { message, session, ...back }: Visit,
  { sessions, cookies }: InteractionContext,
): Promise<Response> {
  const secret = secretOf(message, cookies) ?? randomText()
  const claim = { browser: await textHash(secret), ...back }
  const claimed = await sessions.claim(session.id, claim)
  if (claimed?.claim === undefined) throw noLink()
  if (!sameClaim(claimed.claim, claim)) throw otherBrowser()
  return seeOther(claimed.pending.url, [cookies.write(cookieName, secret, interactionLife)])
}

/** The way back: the answer is kept for the request that will carry the code, and stands in no redirect. */
async function sendBack(message: ReceivedMessage, path: string, context: InteractionContext): Promise<Response> {
  const { sessions, cookies } = context
  const query = parseQuery(message.target)
  const [state, secret] = [query.get('state'), secretOf(message, cookies)]
  if (state === undefined || secret === undefined) throw noLink()
  const session = await sessions.take(state, await textHash(secret))
  if (session?.claim === undefined) throw noLink()
  try {
    const answer = await answerIn({ query, path, target: message.target }, session, context)
    if ('kind' in answer) {
      await sessions.add({ ...session, id: randomText(), pending: answer })
      return seeOther(answer.url)
    }
    if (session.code !== undefined) return await keptForCaller(answer, session.code, { session, context, message })
    const back = await broughtHome(answer, session, context)
    tellOf(answer, session, event => context.tell({ ...event, ...requestIdOf(message) }))
    return seeOther(answerUrl(session.claim.returnUrl, { ...back, state: session.claim.state }))
  } catch (thrown) {
    const error = asAAuthError(thrown)
    context.tell({ type: 'refused', error, asking: session.asking, ...requestIdOf(message) })
    return interactionPage(error)
  }
}

/** The answer that a browser brought. An `unconfirmed` one is confirmed by the other service when the request is repeated. */
type Answer =
  | { readonly said: 'agreed'; readonly answer?: Exchanged | undefined }
  | { readonly said: 'denied' }
  | { readonly said: 'unconfirmed'; readonly answer?: Exchanged; readonly error?: AAuthError }

async function broughtHome(
  answer: Answer,
  { principal }: InteractionSession,
  { sessions, now }: InteractionContext,
): Promise<Readonly<Record<string, string>>> {
  if (answer.said === 'denied') return { error: 'access_denied' }
  const code = randomText()
  const expires = now() + interactionLife
  await sessions.keep(code, { principal, expires, ...(answer.answer === undefined ? {} : { answer: answer.answer }) })
  return { interaction: code }
}

interface Arrived {
  readonly session: InteractionSession
  readonly context: InteractionContext
  readonly message: ReceivedMessage
}

/** Keeps the answer for the caller that asked, which repeats its request by itself. */
async function keptForCaller(answer: Answer, code: string, { session, context, message }: Arrived): Promise<Response> {
  const { principal } = session
  const { sessions, now, tell } = context
  const said = answer.said === 'denied' ? { denied: true as const } : { answer: answer.answer }
  const kept = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
  await sessions.keep(code, { principal, expires: now() + interactionLife, ...kept })
  tellOf(answer, session, event => tell({ ...event, ...requestIdOf(message) }))
  return answeredPage(answer.said === 'denied' ? 'denied' : 'agreed')
}

/** Reports that a user has agreed once that is confirmed: the browser can write any code into its URL. */
function tellOf(answer: Answer, session: InteractionSession, tell: Observer): void {
  const { asking } = session
  if (answer.said !== 'unconfirmed')
    tell({ type: 'interaction', answer: answer.said, asked_by: askedBy(session), ...asking })
  else if (answer.error !== undefined) tell({ type: 'refused', error: answer.error, asking })
}

function askedBy({ pending }: InteractionSession): string {
  if (pending.kind === 'consent') return pending.issuer
  return pending.kind === 'page' ? pending.resource : pending.api
}

interface Returned {
  readonly query: ReadonlyMap<string, string>
  readonly path: string
  readonly target: string
}

async function answerIn(
  { query, path, target }: Returned,
  { pending }: InteractionSession,
  context: InteractionContext,
): Promise<Answer | PendingOAuth> {
  const { oauth, wait } = context
  // Mix-up: the answer of one provider or auth server must never be taken for another's.
  if (path !== (pending.kind === 'oauth' ? `${callbackPath}/${pending.api}` : callbackPath)) throw otherLink()
  if (pending.kind === 'oauth' || pending.kind === 'sign-in') {
    if (oauth === undefined) throw noLink()
    const answer = await inTime(wait, oauth.answer(pending, query, target))
    if (typeof answer === 'object') return answer
    // The consent is stored with the tokens already, where the repeated request finds it.
    return { said: answer === 'done' ? 'agreed' : 'denied' }
  }
  if (pending.kind === 'consent' && query.get('iss') !== pending.issuer) throw otherLink()
  const [code, error] = [query.get(pending.kind === 'consent' ? 'code' : 'interaction'), query.get('error')]
  if ((code === undefined) === (error === undefined)) throw otherLink()
  if (code === undefined) return { said: 'denied' }
  if (pending.kind === 'consent') return redeemed(pending, code, context)
  if (!isHeaderValue(code)) throw otherLink()
  return { said: 'unconfirmed', answer: { resource: pending.resource, code } }
}

/** Anyone can write a link to the callback: a text that the header of the retry cannot carry is no code. */
function isHeaderValue(code: string): boolean {
  try {
    return serializeAgentInteraction(code) !== ''
  } catch {
    return false
  }
}

async function redeemed(pending: PendingConsent, code: string, { agent, wait }: InteractionContext): Promise<Answer> {
  try {
    return { said: 'agreed', answer: await inTime(wait, agent.redeem(pending, code)) }
  } catch (error) {
    // What the user said is remembered there: the request that comes back asks again, and is answered when it can be.
    if (error instanceof AAuthError) return { said: 'unconfirmed', error }
    if (!(error instanceof AgentError)) throw error
    if (error.code === 'unreachable') return { said: 'unconfirmed', error: away(error) }
    const said = refusalOf(error)?.error
    if (said === 'access_denied') return { said: 'denied' }
    const refused = refusal('grant_invalid', { cause: error })
    // The exchanged token expired while the user decided. A code that is wrong in another way grants nothing, either.
    if (said === 'invalid_grant') return { said: 'unconfirmed', error: refused }
    throw refused
  }
}

const cookieName = 'interaction'

/** Ignores a cookie that is not one of ours: a caller must not choose a short secret. */
function secretOf(message: ReceivedMessage, cookies: Cookies): string | undefined {
  const secret = cookies.read(message, cookieName)
  return secret !== undefined && /^[\w-]{43}$/.test(secret) ? secret : undefined
}

function sameClaim(a: InteractionClaim, b: InteractionClaim): boolean {
  return a.browser === b.browser && a.returnUrl === b.returnUrl && a.state === b.state
}

function noLink(): AAuthError {
  return refusal('link_invalid')
}

function otherLink(): AAuthError {
  return refusal('link_changed')
}

function otherBrowser(): AAuthError {
  return refusal('link_of_another_browser')
}
