import { isLoopback } from '../shared/identifier.js'
import type { PeerAnswer } from '../shared/refusal.js'
import { isFor } from './approval.js'
import type { Visit } from './browser.js'
import { countsOfGrant } from './conditions.js'
import type { Context } from './context.js'
import { asPublished } from './documents-of.js'
import { endGrant } from './grants.js'
import { errorPage, pageAnswer, seeOther } from './html.js'
import { beginLink, needsLink, userFor } from './link.js'
import { approvalPage, connectPage, consentPage, operationIn, signInPage, verifyPage } from './pages.js'
import { isNamedRedirect } from './redirect.js'
import { demandedOf } from './settings.js'
import { type Asked, type Browser, graveIn, type OpenRequest, type Remembered, shownWords, yesKey } from './state.js'
import { secret } from './values.js'

const gone = (): PeerAnswer => errorPage(400, 'There is no request that waits here.')
const anothers = (): PeerAnswer => errorPage(403, 'This request is not for you.')

/** The link that an agent has sent its user to. @see protocol §6.3 */
export async function openLink(context: Context, { browser, query }: Visit): Promise<PeerAnswer> {
  const request = context.state.requests.get(query.get('request_token') ?? '')
  if (request === undefined || request.kind !== 'link') return gone()
  if (query.get('redirect_uri') !== request.redirectUri) return gone()
  if ((query.get('state') ?? undefined) !== request.state) return gone()
  if (request.ends <= context.now()) return gone()
  if (request.decision?.says === 'ended') return tell(context, request, { error: 'access_denied' })
  if (request.decision !== undefined) return gone()
  browser.opened.add(request.token)
  return ask(context, browser, request)
}

/** The browser goes on with a request that it has opened. */
export function goOn(context: Context, { browser, query }: Visit): PeerAnswer | Promise<PeerAnswer> {
  const request = context.state.requests.get(query.get('request') ?? '')
  if (request === undefined || !browser.opened.has(request.token)) return gone()
  if (request.decision?.says === 'ended') return tell(context, request, { error: 'access_denied' })
  if (request.decision !== undefined) return gone()
  return ask(context, browser, request)
}

/** Shows a browser the next page of its request. */
async function ask(context: Context, browser: Browser, request: OpenRequest): Promise<PeerAnswer> {
  const { state } = context
  const { user } = browser
  if (user === undefined) return signInPage(browser, state.users, request.token)
  const wanted = userFor(context, request.asked)
  if (wanted !== undefined && !isFor(user, wanted)) return anothers()
  if (wanted === undefined && request.claimedBy !== undefined && request.claimedBy !== browser) return anothers()
  request.claimedBy = browser
  if (needsLink(context, request)) {
    const there = browser.signedInThere.get(request.token)
    if (there === undefined) return beginLink(context, browser, request)
    const { iss = '' } = request.asked.upstream ?? {}
    return connectPage(browser, { request: request.token, iss, sub: there })
  }
  const asked = await asPublished(context, request.asked)
  browser.words.set(request.token, shownWords(asked))
  if (asked.operation !== undefined) return approvalPage(browser, { request, asked })
  const remembered = state.remembered.get(yesKey(user.sub, request.caller, asked))
  if (remembered !== undefined && hasSameWords(remembered, asked) && isOftenAnswered(request)) {
    request.decision = { says: 'allow', sub: user.sub, scope: remembered.scope }
    return answerAgent(context, request)
  }
  const agentMetadata = await context.documents.metadata('aauth-agent', request.caller.agent)
  return consentPage(browser, { request, asked, agentMetadata })
}

/** A form that decides. */
export async function decide(context: Context, { browser, form }: Visit): Promise<PeerAnswer> {
  const request = context.state.requests.get(form.get('request') ?? '')
  const { user } = browser
  if (request === undefined || user === undefined) return gone()
  if (!browser.opened.has(request.token)) return gone()
  if (request.claimedBy !== browser) return anothers()
  if (request.ends <= context.now()) return gone()
  if (request.decision?.says === 'ended') return tell(context, request, { error: 'access_denied' })
  if (request.decision !== undefined) return gone()
  const asked = await asPublished(context, request.asked)
  const says = form.get('decision')
  if (says === 'stop') stopAsking(context, browser, request)
  if (says !== 'allow' && says !== 'approve') {
    request.decision = { says: 'refuse' }
    return answerAgent(context, request)
  }
  if (browser.words.get(request.token) !== shownWords(asked)) return ask(context, browser, request)
  const scope = asked.operation === undefined ? chosenScope(form, asked) : asked.scope
  const isGrave =
    scope.some(name => graveIn(asked.metadata).includes(name)) ||
    (asked.operation !== undefined && operationIn(asked.metadata, asked.operation.name).isGrave)
  if (isGrave && browser.verifiedAt < context.now() - 60) return verifyPage(browser, request.token)
  if (scope.length === 0) {
    request.decision = { says: 'refuse' }
    return answerAgent(context, request)
  }
  request.decision = { says: 'allow', sub: user.sub, scope }
  const demanded = demandedOf(context.settings, { ...request.caller, ...asked })
  const countsAnew = countsOfGrant(demanded)
  const isKept = asked.operation === undefined && !countsAnew && (!isGrave || asked.upstream !== undefined)
  const yes = { asked: asked.scope, words: shownWords(asked), scope }
  if (isKept) context.state.remembered.set(yesKey(user.sub, request.caller, asked), yes)
  return answerAgent(context, request)
}

function chosenScope(form: URLSearchParams, { scope }: Asked): readonly string[] {
  return scope.filter(name => name === 'openid' || form.get(`scope:${name}`) !== null)
}

/** Whether the resource still says of the scopes of a consent what the user has read. */
function hasSameWords({ asked: scope, words }: Remembered, asked: Asked): boolean {
  return words === shownWords({ ...asked, scope })
}

/** Whether a remembered yes may answer: not on a device, and not where any program of the machine could get the answer. */
function isOftenAnswered({ kind, redirectUri, caller }: OpenRequest): boolean {
  if (kind !== 'link') return false
  return redirectUri.startsWith(`${caller.agent}/`) || !isLoopback(new URL(redirectUri).hostname)
}

/** The user wants no more questions of this agent: what it was granted is suspended. */
function stopAsking(context: Context, { user }: Browser, { caller }: OpenRequest): void {
  user?.stopped.add(caller.agent)
  for (const grant of context.state.grants)
    if (grant.sub === user?.sub && grant.agent === caller.agent) endGrant(context, grant)
}

/** Brings a decision to the agent. */
function answerAgent(context: Context, request: OpenRequest): PeerAnswer | Promise<PeerAnswer> {
  if (request.kind !== 'link') return pageAnswer('That is all', '<p>The agent is told.</p>')
  if (request.decision?.says !== 'allow') return tell(context, request, { error: 'access_denied' })
  request.code = { text: secret(), at: context.now() }
  return tell(context, request, { code: request.code.text })
}

/** Sends the browser back to the agent. @see protocol §6.3 */
async function tell(
  context: Context,
  request: OpenRequest,
  answer: Readonly<Record<string, string>>,
): Promise<PeerAnswer> {
  const { caller, redirectUri, state } = request
  const metadata = await context.documents.metadata('aauth-agent', caller.agent).catch(() => ({}))
  if (!isNamedRedirect(metadata, redirectUri)) return errorPage(400, 'The agent does not take answers there any more.')
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value)
  if (state !== undefined) url.searchParams.set('state', state)
  url.searchParams.set('iss', context.id)
  return seeOther(url.href)
}
