import type { RequestBy, RequestOf } from '@countersign/auth-server/internal'
import { agentsOf, checkStopped, typedUserCode } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { peerOf } from '@countersign/verify/internal'
import type { BrowserSession, SessionUser } from '../login/entrance.js'
import { pageForm } from '../login/page-form.js'
import { consentDecision } from '../pages/consent-decision.js'
import { consentPage } from '../pages/consent-page.js'
import type { ConsentView } from '../pages/consent-view.js'
import { deviceDonePage, devicePage } from '../pages/device-page.js'
import { pageResponse } from '../pages/page-response.js'
import { decideRequest } from './consent.js'
import { consentView } from './consent-view.js'
import { verifyBefore } from './grave-scopes.js'
import type { Guesser, Guesses } from './guesses.js'
import type { ConsentContext } from './open-request.js'
import { endRefused } from './tell-agent.js'

/** What the device pages need. */
export interface DeviceContext extends ConsentContext {
  readonly guesses: Guesses
}

type SignedIn = BrowserSession & { readonly user: SessionUser }

/** A form that was sent about a request. */
interface AnsweredForm<R extends RequestBy<'device'>> {
  readonly row: R
  readonly session: SignedIn
  readonly form: ReadonlyMap<string, string>
}

/** The path of the page on which a user types the code of their device. */
export const devicePath = '/device'

/**
 * Shows the page on which a user types the code of their device. It reads nothing from its URL: a link with the code in it would let
 * attackers have their own device allowed by victims who click.
 * @see protocol §6.3
 */
export async function showDevice(message: ReceivedMessage, { login, looks }: DeviceContext): Promise<Response> {
  const session = await login.sessions.current(message)
  if (session?.user === undefined) return login.signIn(message, { returnTo: devicePath })
  const look = looks.of(message)
  return pageResponse(devicePage({ csrf: session.csrf, action: devicePath, user: session.user }, look), { look })
}

/**
 * Takes the code, then the decision.
 * @throws AAuthError, shown as a page
 * @see protocol §6.3
 */
export async function answerDevice(message: ReceivedMessage, context: DeviceContext): Promise<Response> {
  const look = context.looks.of(message)
  const current = await context.login.sessions.current(message)
  const form = pageForm(message, { session: current, issuer: context.issuer.issuer })
  if (current?.user === undefined) throw refusal('signed_out')
  const session: SignedIn = { ...current, user: current.user }
  const row = await requestOf({ typed: form.get('user_code') ?? '', session, peer: message.peer }, context)
  if (row === undefined) {
    const description = 'no request waits for this user code'
    const refused = {
      type: 'refused',
      code: 'invalid_request',
      reason: 'user_code_unknown',
      status: 400,
      description,
    } as const
    await context.report.alone({ ...refused, user: session.user.sub, ...peerOf(message) })
    const view = { csrf: session.csrf, action: devicePath, user: session.user, problem: 'unknown-code' } as const
    return pageResponse(devicePage(view, look), { look, status: 400 })
  }
  context.note?.({ row, user: session.user })
  await context.blocks.check({ agents: agentsOf(row) })
  if (row.status !== 'pending') throw alreadyDecided()
  try {
    return await decideOrAsk(message, { row, session, form }, context)
  } catch (thrown) {
    // The device polls, and is told.
    await endRefused(message, { row, session, user: session.user }, { thrown, context })
    throw thrown
  }
}

/** Shows the question, or takes the decision. @throws AAuthError, shown as a page */
async function decideOrAsk(
  message: ReceivedMessage,
  o: AnsweredForm<RequestBy<'device'>>,
  context: DeviceContext,
): Promise<Response> {
  const { row, session, form } = o
  const look = context.looks.of(message)
  if (row.kind === 'call') return answerCall(message, { ...o, row }, context)
  await checkStopped(context.store.db, { ...row, user_sub: session.user.sub })
  // Always asks for everything: whose device it is is unknown, so nothing is remembered.
  const view = await consentView(
    row,
    {
      csrf: session.csrf,
      action: devicePath,
      hidden: { user_code: row.user_code },
      returnTo: devicePath,
      user: session.user,
      held: [],
      way: wayOf(row, context),
    },
    context,
  )
  if (!form.has('decision')) return pageResponse(consentPage(view, look), { look })
  const { allow, scope, words, grave, conditions, limits, problem } = consentDecision(form, view, context.now())
  if (problem !== undefined) return pageResponse(consentPage({ ...view, limits, problem }, look), { look })
  const open = { row, session, user: session.user }
  const yes = { form, open, grave, action: devicePath, returnTo: devicePath, leadsTo: undefined }
  const verification = await verifyBefore(message, yes, context)
  if (verification !== undefined) return verification
  const decided = await decideRequest(open, { scope, words, conditions, by: 'user', remember: 'no' }, context)
  if (decided === undefined) throw alreadyDecided()
  return pageResponse(deviceDonePage({ allowed: allow }, look), { look })
}

/** Shows the question about a single call, or takes the answer. */
async function answerCall(
  message: ReceivedMessage,
  o: AnsweredForm<RequestBy<'device'> & RequestOf<'call'>>,
  context: DeviceContext,
): Promise<Response> {
  const { row, session, form } = o
  const hidden = { user_code: row.user_code }
  const where = { action: devicePath, hidden, returnTo: devicePath, way: wayOf(row, context) }
  const shown = { row, session, user: session.user, ...where }
  if (!form.has('decision')) return context.approvalPages.show(message, shown)
  const decided = await context.approvalPages.decide(message, shown, { form })
  if (decided === undefined) throw alreadyDecided()
  if (decided instanceof Response) return decided
  const look = context.looks.of(message)
  return pageResponse(deviceDonePage({ allowed: decided.status === 'granted' }, look), { look })
}

function wayOf(row: RequestBy<'device'>, { now }: DeviceContext): ConsentView['way'] {
  return { type: 'device', peer: row.peer ?? undefined, asked: row.created, now: now() }
}

/** The request of a user code, for the browser that typed it first. */
async function requestOf(
  { typed, session, peer }: { readonly typed: string; readonly session: SignedIn; readonly peer: string | undefined },
  { requests, guesses, approvalPages }: DeviceContext,
): Promise<RequestBy<'device'> | undefined> {
  const code = typedUserCode(typed)
  const own = code === undefined ? undefined : await requests.findByUserCode(code, session.id)
  // A code that this browser has typed before is no guess: wrong codes of others must not keep its user from deciding.
  if (own !== undefined) return own
  const guesser: Guesser = { session: session.id, user: session.user.sub, peer }
  await guesses.take(guesser)
  const row = code === undefined ? undefined : await requests.findByUserCode(code)
  if (row === undefined) return undefined
  switch (row.kind) {
    case 'access':
      if (!(await requests.claim(row, session.id))) return undefined
      await guesses.giveBack(guesser)
      return row
    case 'call':
      // One user approves a call: another who types the code first does not keep it from them, and it was no guess.
      await guesses.giveBack(guesser)
      await approvalPages.check({ row, session, user: session.user })
      return (await requests.claim(row, session.id, 'takeOver')) ? row : undefined
  }
}

function alreadyDecided(): AAuthError {
  return refusal('request_ended', { about: 'a device code' })
}
