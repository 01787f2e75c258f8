import type { BrowserSignIn } from '@countersign/agent/internal'
import { named } from '@countersign/audit/internal'
import type { LinkRefusal } from '@countersign/auth-server'
import type { Links, PageFacts, RateLimit, RequestOf, UpstreamUser } from '@countersign/auth-server/internal'
import { checkStillListed, linkCallbackPath, refusedEvent, requestFacts } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { queryOf } from '@countersign/httpsig/internal'
import type { AAuthError } from '@countersign/protocol'
import { asAAuthError, refusal, seeOther } from '@countersign/protocol/internal'
import type { LoginAttempts } from '../login/login-attempt.js'
import { pageForm } from '../login/page-form.js'
import { linkPage } from '../pages/link-page.js'
import { errorPageResponse, pageResponse } from '../pages/page-response.js'
import { browsersRequest, consentPath } from './claimed-request.js'
import { decideRequest } from './consent.js'
import type { ConsentContext, LinkedRequest, Linking, OpenRequest } from './open-request.js'

/** What linking needs. */
export interface LinkingContext
  extends Pick<
    ConsentContext,
    'login' | 'looks' | 'requests' | 'blocks' | 'issuer' | 'discovery' | 'decided' | 'now' | 'report' | 'note'
  > {
  readonly links: Links
  readonly ownSubjects: ReadonlySet<string>
  readonly signIn: BrowserSignIn
  readonly attempts: LoginAttempts
  /** Sign-ins begun for one request. */
  readonly signInLimit: RateLimit
}

type OpenExchange = OpenRequest<RequestOf<'exchange'>>
type LinkedExchange = LinkedRequest<RequestOf<'exchange'>>

/** The path that takes the form of the link page. */
export const linkPath = '/agent/link'
/** No id of a login provider has a colon. */
const provider = 'link:'

/** Creates the linking of users. */
export function linkingOf(context: LinkingContext): Linking {
  return {
    detour: (message, open) => detour(message, open, named(context, message)),
    mayAnswer: (message, open) => mayAnswer(open, named(context, message)),
    callback: message => callback(message, named(context, message)),
    decide: (message, note) => decide(message, { ...named(context, message), note }),
  }
}

async function detour(
  message: ReceivedMessage,
  open: LinkedExchange,
  context: LinkingContext,
): Promise<Response | undefined> {
  const { request_token, row, session, user } = open
  const upstream = upstreamUserOf(open)
  const owner = await ownerOf(upstream, context)
  if (owner === user.sub) return undefined
  // Phishing: an attacker's agent sends its own link to a victim, whose yes would be for the attacker's account.
  if (owner !== undefined) throw await otherUserRefusal(open, context)
  if (row.upstream_user !== user.sub) return sendToIssuer(message, open, context)
  const look = context.looks.of(message)
  const view = {
    csrf: session.csrf,
    action: linkPath,
    hidden: { request_token },
    returnTo: consentPath(request_token),
    user,
    issuer: context.issuer.issuer,
    upstream,
  }
  return pageResponse(linkPage(view, look), { look, leadsTo: row.redirect_uri })
}

/** Until it is known who the upstream user is here, any user may prove to be them. */
async function mayAnswer(open: OpenExchange, context: LinkingContext): Promise<'takeOver' | undefined> {
  const owner = await ownerOf(upstreamUserOf(open), context)
  const { row, user } = open
  if (owner !== undefined && owner !== user.sub) throw await otherUserRefusal(open, context)
  const isUnproven = row.upstream_user === null || row.upstream_user === user.sub
  return owner !== undefined || isUnproven ? 'takeOver' : undefined
}

/** `sub` of the user here whom the upstream user is known to be. */
function ownerOf(upstream: UpstreamUser, { ownSubjects, links }: LinkingContext): Promise<string | undefined> {
  return ownSubjects.has(upstream.iss) ? Promise.resolve(upstream.sub) : links.find(upstream)
}

async function sendToIssuer(
  message: ReceivedMessage,
  open: LinkedExchange,
  { signIn, attempts, signInLimit, now }: LinkingContext,
): Promise<Response> {
  const { request_token, row, user } = open
  // Each sign-in costs a request at the other auth server: reloading this page must not use up its limit for this server.
  signInLimit.take(row.id)
  const { url, state, saved } = await signIn.begin(upstreamUserOf(open).iss)
  const attempt = {
    provider,
    state,
    returnTo: consentPath(request_token),
    began: now(),
    saved: { user: user.sub, request_token, agent: saved },
  }
  return seeOther(url, attempts.add(message, attempt))
}

async function callback(message: ReceivedMessage, context: LinkingContext): Promise<Response> {
  const query = queryOf(message.target) ?? '?'
  const [state = '', second] = new URLSearchParams(query).getAll('state')
  const attempt = second === undefined ? context.attempts.find(message, { provider, state }) : undefined
  if (attempt === undefined) {
    throw refusal('sign_in_invalid')
  }
  const forget = context.attempts.remove(message, state)
  const known: { page?: PageFacts; open?: LinkedExchange } = {}
  const note = (page: PageFacts): void => void Object.assign(known, { page })
  try {
    const { user, request_token = '', agent = '' } = attempt.saved
    const open = await openRequest(message, request_token, { ...context, note })
    known.open = open
    // Another user signed in meanwhile: they must not finish what the first began in the same browser.
    if (open.user.sub !== user) throw await otherUserRefusal(open, context)
    const url = `${context.issuer.issuer}${linkCallbackPath}${query}`
    await prove(open, { url, saved: agent }, context)
    return seeOther(consentPath(request_token), [forget])
  } catch (thrown) {
    const error = asAAuthError(thrown)
    await context.report.alone(refusedEvent(error, message, known))
    const isNo = new URLSearchParams(query).get('error') === 'access_denied'
    if (isNo && known.open !== undefined && known.open.user.sub === attempt.saved['user'])
      return tellOfNo(known.open, { context, forget })
    return errorPageResponse(error, { look: context.looks.of(message), cookies: [forget] })
  }
}

/**
 * Who says no at the other auth server is not asked here: the agent is told. The request waits on, since they have not proven that it is
 * theirs to end: whom it is for can still open its link.
 */
async function tellOfNo(
  { row, request_token }: LinkedExchange,
  { context, forget }: { readonly context: LinkingContext; readonly forget: string },
): Promise<Response> {
  await checkStillListed(row, context)
  const told = context.decided({ ...row, code_secret: null }, request_token)
  told.headers.append('set-cookie', forget)
  return told
}

/** Notes that the user of this browser is the upstream user, once the other auth server has confirmed it. */
async function prove(
  open: OpenExchange,
  back: { readonly url: string; readonly saved: string },
  context: LinkingContext,
): Promise<void> {
  const { row, session, user } = open
  const upstream = upstreamUserOf(open)
  const signedIn = await context.signIn.finish(upstream.iss, back).catch(async (error: unknown) => {
    await reportRefused(open, 'no-sign-in', context)
    throw error
  })
  if (signedIn.iss !== upstream.iss || signedIn.sub !== upstream.sub) {
    throw await otherUserRefusal(open, context)
  }
  if (await context.links.prove(row, session.id, user.sub)) return
  throw refusal('request_ended')
}

async function decide(message: ReceivedMessage, context: LinkingContext): Promise<Response> {
  const session = await context.login.sessions.current(message)
  const form = pageForm(message, { session, issuer: context.issuer.issuer })
  const request_token = form.get('request_token') ?? ''
  const open = await openRequest(message, request_token, context)
  const { row, user } = open
  const upstream = upstreamUserOf(open)
  if (form.get('decision') === 'deny') {
    // Only the user whom the exchange is for may decline it.
    const theirs = (await ownerOf(upstream, context)) ?? row.upstream_user
    if (theirs !== user.sub) throw await otherUserRefusal(open, context)
    await checkStillListed(row, context)
    await reportRefused(open, 'declined', context)
    const decided = await decideRequest(open, { scope: [], by: 'user', remember: 'yes' }, context)
    if (decided === undefined) throw refusal('request_ended')
    return context.decided(decided, request_token)
  }
  if (form.get('decision') !== 'allow') throw refusal('form_incomplete', { about: 'neither yes nor no' })
  const isLinked = await context.links.add(row, { upstream, user: user.sub }, tx =>
    context.report.within(tx, { type: 'linked', ...requestFacts(row), user: user.sub, upstream }),
  )
  if (!isLinked) throw await otherUserRefusal(open, context, 'taken')
  return seeOther(consentPath(request_token))
}

/** The waiting request that this browser has open, and its user. */
async function openRequest(
  message: ReceivedMessage,
  request_token: string,
  context: LinkingContext,
): Promise<LinkedExchange> {
  const current = await context.login.sessions.current(message)
  const { row, session } = await browsersRequest(request_token, current, context)
  const { user } = session
  if (user === undefined) throw refusal('signed_out')
  if (row.status !== 'pending') {
    throw refusal('request_ended')
  }
  if (row.kind !== 'exchange') throw refusal('form_incomplete')
  return { request_token, row, session, user }
}

function upstreamUserOf({ row }: OpenExchange): UpstreamUser {
  const { iss, sub } = row.upstream
  return { iss, sub }
}

function reportRefused(open: OpenExchange, reason: LinkRefusal, { report }: LinkingContext): Promise<void> {
  const upstream = upstreamUserOf(open)
  return report.alone({ type: 'link_refused', ...requestFacts(open.row), user: open.user.sub, upstream, reason })
}

/** The page does not name the other user; the event does. */
async function otherUserRefusal(
  open: OpenExchange,
  context: LinkingContext,
  reason: LinkRefusal = 'other-user',
): Promise<AAuthError> {
  await reportRefused(open, reason, context)
  return refusal('user_mismatched')
}
