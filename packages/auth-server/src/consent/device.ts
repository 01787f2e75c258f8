import type { ReceivedMessage } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { peerOf } from '@countersign/verify'
import type { Guesser, Guesses } from '../bound/guesses.js'
import type { BrowserSession, SessionUser } from '../login/browser-session.js'
import { pageForm } from '../login/page-form.js'
import { consentDecision } from '../pages/consent-decision.js'
import { consentPage } from '../pages/consent-page.js'
import { deviceDonePage, devicePage } from '../pages/device-page.js'
import { pageResponse } from '../pages/page-response.js'
import type { RequestRow } from '../tables.js'
import { decideRequest } from './consent.js'
import { consentView } from './consent-view.js'
import type { ConsentContext } from './open-request.js'
import { typedUserCode } from './user-code.js'

/** What the device pages need. */
export interface DeviceContext extends ConsentContext {
  readonly guesses: Guesses
}

type SignedIn = BrowserSession & { readonly user: SessionUser }
/** The path of the page on which a user types the code of their device. */
export const devicePath = '/device'

/**
 * Shows the page on which a user types the code of their device. It reads nothing from its URL: a link with the code in it would let
 * attackers have their own device allowed by victims who click.
 * @see protocol §6.3
 */
export async function showDevice(message: ReceivedMessage, { login }: DeviceContext): Promise<Response> {
  const session = await login.sessions.current(message)
  if (session?.user === undefined) return login.signIn(message, { returnTo: devicePath })
  return pageResponse(devicePage({ csrf: session.csrf, action: devicePath, user: session.user }))
}

/**
 * Takes the code, then the decision.
 * @throws AAuthError, shown as a page
 * @see protocol §6.3
 */
export async function answerDevice(message: ReceivedMessage, context: DeviceContext): Promise<Response> {
  const current = await context.login.sessions.current(message)
  const form = pageForm(message, { session: current, issuer: context.issuer.issuer })
  if (current?.user === undefined) throw new AAuthError('access_denied', 'You are no longer signed in.')
  const session: SignedIn = { ...current, user: current.user }
  const row = await requestOf({ typed: form.get('user_code') ?? '', session, peer: message.peer }, context)
  if (row === undefined) {
    const description = 'no request waits for this user code'
    const refused = { type: 'refused', code: 'invalid_request', status: 400, description } as const
    context.onEvent({ ...refused, user: session.user.sub, ...peerOf(message) })
    const view = { csrf: session.csrf, action: devicePath, user: session.user, problem: 'unknown-code' } as const
    return pageResponse(devicePage(view), { status: 400 })
  }
  context.note?.({ row, user: session.user })
  if (row.status !== 'pending') throw alreadyDecided()
  // Always asks for everything: whose device it is is unknown, so nothing is remembered.
  const view = await consentView(
    row,
    {
      csrf: session.csrf,
      action: devicePath,
      hidden: { user_code: row.user_code ?? '' },
      returnTo: devicePath,
      user: session.user,
      held: [],
      way: { type: 'device', peer: row.peer ?? undefined, asked: row.created, now: context.now() },
    },
    context,
  )
  if (!form.has('decision')) return pageResponse(consentPage(view))
  const { allow, scope, words, problem } = consentDecision(form, view)
  if (problem !== undefined) return pageResponse(consentPage({ ...view, problem }))
  const open = { row, session, user: session.user }
  const decided = await decideRequest(open, { scope, words, by: 'user', remember: 'no' }, context)
  if (decided === undefined) throw alreadyDecided()
  return pageResponse(deviceDonePage({ allowed: allow }))
}

/** The request of a user code, for the browser that typed it first. */
async function requestOf(
  { typed, session, peer }: { readonly typed: string; readonly session: SignedIn; readonly peer: string | undefined },
  { requests, guesses }: DeviceContext,
): Promise<RequestRow | undefined> {
  const code = typedUserCode(typed)
  const own = code === undefined ? undefined : await requests.findByUserCode(code, session.id)
  // A code that this browser has typed before is no guess: wrong codes of others must not keep its user from deciding.
  if (own !== undefined) return own
  const guesser: Guesser = { session: session.id, user: session.user.sub, peer }
  await guesses.take(guesser)
  const row = code === undefined ? undefined : await requests.findByUserCode(code)
  if (row === undefined || !(await requests.claim(row, session.id))) return undefined
  await guesses.giveBack(guesser)
  return row
}

function alreadyDecided(): AAuthError {
  return new AAuthError('expired_token', 'This was decided before, or the code has expired.')
}
