import type { RequestBy, RequestOf } from '@countersign/auth-server/internal'
import {
  agentsOf,
  checkStillListed,
  checkStopped,
  conditionFacts,
  conditionsIn,
  consentKey,
  exchangeFacts,
  identityClaims,
  isLoopbackRedirect,
  rememberedWords,
  requestFacts,
  type UserDecision,
  upstreamOf,
} from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { parseScope } from '@countersign/protocol'
import { parseQuery, refusal, seeOther } from '@countersign/protocol/internal'
import { pageForm } from '../login/page-form.js'
import { consentDecision } from '../pages/consent-decision.js'
import { consentPage } from '../pages/consent-page.js'
import type { ConsentView } from '../pages/consent-view.js'
import type { Look } from '../pages/look.js'
import { pageResponse } from '../pages/page-response.js'
import { claimRequest } from './claim.js'
import { browsersRequest, consentPath } from './claimed-request.js'
import { consentView } from './consent-view.js'
import { askedAnewAmong, verifyBefore } from './grave-scopes.js'
import { asksAnew } from './limits.js'
import type { ConsentContext, LinkedRequest, OpenRequest, ShownQuestion } from './open-request.js'
import { orTellAgent } from './tell-agent.js'

type LinkedCall = LinkedRequest<RequestBy<'browser'> & RequestOf<'call'>>
/** A request for access, in an exchange or not. */
type LinkedAccess = LinkedRequest<RequestBy<'browser'> & RequestOf<'access' | 'exchange'>>

/** Open requests of one agent that one user is shown within the lifetime of a request. */
const mostShown = 20

/**
 * Shows the consent page, or answers at once where this user has allowed the whole scope before.
 * @throws AAuthError, shown as a page
 * @see protocol §6.3
 */
export async function showConsent(message: ReceivedMessage, context: ConsentContext): Promise<Response> {
  const signIn = await claimRequest(message, context)
  if (signIn !== undefined) return signIn
  const request_token = parseQuery(message.target).get('request_token') ?? ''
  const { row, session } = await browsersRequest(request_token, await context.login.sessions.current(message), context)
  const { user } = session
  if (user === undefined) {
    const loginHint = row.login_hint ?? undefined
    return context.login.signIn(message, { returnTo: consentPath(request_token), loginHint })
  }
  const open = { request_token, row, session, user }
  if (row.status !== 'pending') return answerAgain(open, context)
  return orTellAgent(message, { open, context }, () => ask(message, open, context))
}

/** @throws AAuthError */
async function ask(message: ReceivedMessage, open: LinkedRequest, context: ConsentContext): Promise<Response> {
  const { row } = open
  if (row.kind === 'call') return context.approvalPages.show(message, questionIn({ ...open, row }))
  return askForAccess(message, { ...open, row }, context)
}

/** @throws AAuthError */
async function askForAccess(message: ReceivedMessage, open: LinkedAccess, context: ConsentContext): Promise<Response> {
  const { row, user } = open
  await context.blocks.check({ agents: agentsOf(row) })
  await checkStopped(context.store.db, { ...row, user_sub: user.sub })
  const detour = await findDetour(message, open, context)
  if (detour !== undefined) return detour
  const held = await askedBefore(open, context)
  const asked = parseScope(row.scope)
  const isHeld = held.length === asked.length && !isLoopbackRedirect(row.redirect_uri, row.agent)
  if (isHeld && !(await asksAnew(row, user.sub, context))) {
    return conclude(open, { scope: held, by: 'remembered' }, context)
  }
  await checkFlood(open, context)
  return consentAnswer(await viewOf(open, held, context), context.looks.of(message))
}

/**
 * Takes the user's decision and sends the browser back to the agent with it.
 * @throws AAuthError, shown as a page; `access_denied` for a form that another page sent
 * @see protocol §6.3
 */
export async function decideConsent(message: ReceivedMessage, context: ConsentContext): Promise<Response> {
  const current = await context.login.sessions.current(message)
  const form = pageForm(message, { session: current, issuer: context.issuer.issuer })
  const request_token = form.get('request_token') ?? ''
  const { row, session } = await browsersRequest(request_token, current, context)
  const { user } = session
  if (user === undefined) throw refusal('signed_out')
  const open = { request_token, row, session, user }
  if (row.status !== 'pending') return answerAgain(open, context, form.get('decision'))
  return orTellAgent(message, { open, context }, () => decide(message, { open, form }, context))
}

/** @throws AAuthError */
async function decide(
  message: ReceivedMessage,
  { open, form }: { readonly open: LinkedRequest; readonly form: ReadonlyMap<string, string> },
  context: ConsentContext,
): Promise<Response> {
  const { row } = open
  if (row.kind === 'call') return decideCall(message, { open: { ...open, row }, form }, context)
  return decideAccess(message, { open: { ...open, row }, form }, context)
}

/** @throws AAuthError */
async function decideAccess(
  message: ReceivedMessage,
  { open, form }: { readonly open: LinkedAccess; readonly form: ReadonlyMap<string, string> },
  context: ConsentContext,
): Promise<Response> {
  const { row, user } = open
  await context.blocks.check({ agents: agentsOf(row) })
  await checkStopped(context.store.db, { ...row, user_sub: user.sub })
  const detour = await findDetour(message, open, context)
  if (detour !== undefined) return detour
  // Only what this page showed as held, and still is: another tab may have allowed more since.
  const shown = (form.get('held') ?? '').split(' ')
  const held = (await askedBefore(open, context)).filter(name => shown.includes(name))
  const view = await viewOf(open, held, context)
  const { scope, words, grave, conditions, limits, problem } = consentDecision(form, view, context.now())
  if (problem !== undefined) return consentAnswer({ ...view, limits, problem }, context.looks.of(message))
  const yes = { form, open, grave, action: view.action, returnTo: view.returnTo, leadsTo: row.redirect_uri }
  const verification = await verifyBefore(message, yes, context)
  if (verification !== undefined) return verification
  return conclude(open, { scope, words, grave, held, conditions, by: 'user' }, context)
}

/** The question about a single call, in the browser that the agent has sent here. */
function questionIn({ request_token, row, session, user }: LinkedCall): ShownQuestion<LinkedCall['row']> {
  const returnTo = consentPath(request_token)
  return { row, session, user, action: '/agent/consent', hidden: { request_token }, returnTo, way: wayOf(row) }
}

/** Takes the answer to a question about a single call, and sends the browser back to the agent with it. */
async function decideCall(
  message: ReceivedMessage,
  { open, form }: { readonly open: LinkedCall; readonly form: ReadonlyMap<string, string> },
  context: ConsentContext,
): Promise<Response> {
  const check = (): Promise<void> => checkStillListed(open.row, context)
  const decided = await context.approvalPages.decide(message, questionIn(open), { form, check })
  if (decided instanceof Response) return decided
  if (decided !== undefined) return context.decided(decided, open.request_token)
  const { row } = await browsersRequest(open.request_token, open.session, context)
  return answerAgain({ ...open, row }, context, form.get('decision'))
}

/** Where the browser must go before its user may decide an exchange: only the user whom it is for may. */
async function findDetour(
  message: ReceivedMessage,
  open: LinkedAccess,
  { linking }: ConsentContext,
): Promise<Response | undefined> {
  const { row } = open
  if (row.kind !== 'exchange') return undefined
  // The request is from a time when exchanges were configured.
  if (linking === undefined) throw refusal('request_ended')
  return linking.detour(message, { ...open, row })
}

/** The scopes that this user need not be asked about again. A loopback redirect may reach another program, so there all are asked. */
async function heldScope({ row, user }: LinkedAccess, { remembered }: ConsentContext): Promise<readonly string[]> {
  if (isLoopbackRedirect(row.redirect_uri, row.agent)) return []
  return (await remembered(consentKey(row, user.sub), parseScope(row.scope))).scope
}

/**
 * As {@link heldScope}, without what its resource calls grave, or describes in other words by now: except in an exchange, where no user is
 * at hand, each yes to that is the user's own.
 */
async function askedBefore(open: LinkedAccess, context: ConsentContext): Promise<readonly string[]> {
  const held = await heldScope(open, context)
  if (held.length === 0 || open.row.kind === 'exchange') return held
  const agreed = await rememberedWords(context.store.db, consentKey(open.row, open.user.sub), held)
  const anew = await askedAnewAmong({ resource: open.row.resource, scope: held, agreed }, context)
  return held.filter(name => !anew.includes(name))
}

async function viewOf(
  { request_token, row, session, user }: LinkedAccess,
  held: readonly string[],
  context: ConsentContext,
): Promise<ConsentView> {
  const key = consentKey(row, user.sub)
  const before = held.length === 0 ? undefined : await context.remembered(key, held)
  return consentView(
    row,
    {
      csrf: session.csrf,
      action: '/agent/consent',
      hidden: { request_token, held: held.join(' ') },
      returnTo: consentPath(request_token),
      user,
      held,
      before: before?.conditions,
      agreed: await rememberedWords(context.store.db, key, parseScope(row.scope)),
      way: wayOf(row),
    },
    context,
  )
}

function wayOf({ redirect_uri, agent }: RequestBy<'browser'>): ConsentView['way'] {
  return { type: isLoopbackRedirect(redirect_uri, agent) ? 'loopback' : 'web', redirect_uri }
}

function consentAnswer(view: ConsentView, look: Look): Response {
  const leadsTo = 'redirect_uri' in view.way ? view.way.redirect_uri : undefined
  return pageResponse(consentPage(view, look), { look, leadsTo })
}

/** Stores the decision, then answers with it. A form that is sent twice gets the same answer. */
async function conclude(
  open: LinkedAccess,
  decision: Omit<RequestDecision, 'remember'>,
  context: ConsentContext,
): Promise<Response> {
  await checkStillListed(open.row, context)
  const decided = await decideRequest(open, { ...decision, remember: 'yes' }, context)
  if (decided !== undefined) return context.decided(decided, open.request_token)
  const { row } = await browsersRequest(open.request_token, open.session, context)
  // Access was taken back in the meantime: the page asks anew.
  if (row.status === 'pending') return seeOther(consentPath(open.request_token))
  return answerAgain({ ...open, row }, context, decision.scope.length === 0 ? 'deny' : 'allow')
}

/** A decision about an open request. */
export type RequestDecision = Omit<UserDecision, 'user'>

/**
 * Stores the user's decision about an open request, and reports it.
 * @returns the request as it is now; undefined when it was decided already, or has expired
 */
export async function decideRequest<R extends RequestOf<'access' | 'exchange'>>(
  { row, session, user }: OpenRequest<R>,
  { scope, words, grave, held, conditions, by, remember }: RequestDecision,
  { requests, report }: Pick<ConsentContext, 'requests' | 'report'>,
): Promise<R | undefined> {
  const claims = identityClaims(scope, { ...user.claims })
  const decision = { user: { sub: user.sub, claims }, scope, by, remember, words, grave, held, conditions }
  const upstream = upstreamOf(row)
  const about = {
    ...(upstream === undefined ? {} : { exchange: exchangeFacts(upstream) }),
    flow: row.way,
    ...requestFacts(row),
    user: user.sub,
  } as const
  return requests.decide(row, { browser: session.id, decision }, (tx, decided) => {
    if (scope.length === 0) return report.within(tx, { type: 'declined', ...about })
    const facts = conditionFacts(conditionsIn(decided.conditions) ?? [])
    return report.within(tx, { type: 'consented', by, ...about, scope, ...facts })
  })
}

/** Answers a request that was decided before: the same answer to the same user, and no other. */
async function answerAgain(
  { request_token, row, user }: LinkedRequest,
  context: ConsentContext,
  said?: string,
): Promise<Response> {
  const stands = saidOf(row)
  if (row.user_sub !== user.sub || (said !== undefined && said !== stands)) {
    throw refusal('request_ended')
  }
  await checkStillListed(row, context)
  return context.decided(row, request_token)
}

/** What the form said that decided a request. */
function saidOf({ status, kind }: RequestBy<'browser'>): string {
  if (status === 'denied') return 'deny'
  if (status === 'stopped') return 'stop'
  return kind === 'call' ? 'approve' : 'allow'
}

/** Consent fatigue: users who are asked again and again say yes to be left alone. */
async function checkFlood({ row, user }: LinkedAccess, { requests }: ConsentContext): Promise<void> {
  if ((await requests.shown(row, user.sub)) <= mostShown) return
  throw refusal('asked_too_often', { retryAfter: 600 })
}
