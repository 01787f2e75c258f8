import type { Transaction } from '@countersign/audit/internal'
import type { LoginEvent } from '@countersign/auth-server'
import type { InvitationRow } from '@countersign/auth-server/internal'
import { newSub, newUser, noteReturn, toldOf } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { queryOf } from '@countersign/httpsig/internal'
import type { AAuthError } from '@countersign/protocol'
import { asAAuthError, refusal, seeOther } from '@countersign/protocol/internal'
import { browserNameOf } from '../login/browser-name.js'
import type { BrowserSession, Entrance } from '../login/entrance.js'
import { pageForm } from '../login/page-form.js'
import { claimedText } from '../pages/claimed-text.js'
import { newAccountPage } from '../pages/new-account-page.js'
import { pageResponse } from '../pages/page-response.js'
import { isReturnPath } from '../pages/return-path.js'
import type { NewPasskeyPurpose } from '../passkey/challenge.js'
import type { PasskeyCeremonies } from '../passkey/passkey-ceremonies.js'
import { addPasskey, type Registration } from '../passkey/passkey-store.js'
import type { AccountContext } from './account-context.js'
import { findInvitation, useInvitation } from './invitations.js'
import { passkeyNotAdded } from './sign-in-ways.js'

const longestName = 100

/** Who may make an account here: the holder of a link, or everyone. */
interface Admission {
  /** Absent where everyone may. */
  readonly invitation?: InvitationRow
  readonly secret: string
}

/** Shows the page on which a user makes an account, or adds a passkey by a link of the operator. */
export async function showNewAccount(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const passkeys = passkeysIn(context)
  const query = new URLSearchParams(queryOf(message.target))
  const returnTo = query.get('return_to') ?? '/account'
  const admission = await admit(query.get('invitation') ?? '', context)
  const { session, cookies } = await context.login.sessions.begin(message)
  const known = admission.invitation?.kind === 'recovery' ? admission.invitation.sub : undefined
  const user = known === undefined ? undefined : await context.login.users.find(known)
  const sub = known ?? newSub()
  const name = user?.claims.name ?? user?.claims.email ?? sub
  const look = context.looks.of(message)
  const view = {
    host: new URL(context.issuer.issuer).host,
    csrf: session.csrf,
    fields: { invitation: admission.secret, sub, return_to: isReturnPath(returnTo) ? returnTo : '/account' },
    ceremony: await passkeys.creationOptions(session, { sub, purpose: purposeOf(admission), name }),
    here: message.target,
    recovers: user && claimedText(name, longestName),
  }
  return pageResponse(newAccountPage(view, look), { look, cookies, leadsTo: 'anywhere', script: 'passkey' })
}

/** Makes the account, and signs its user in. */
export async function makeAccount(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const passkeys = passkeysIn(context)
  const { login, issuer } = context
  const session = await login.sessions.current(message)
  const form = pageForm(message, { session, issuer: issuer.issuer })
  const admission = await admit(form.get('invitation') ?? '', context)
  const { invitation } = admission
  const recovered = invitation?.kind === 'recovery' ? invitation.sub : undefined
  const sub = recovered ?? form.get('sub') ?? ''
  const returnTo = form.get('return_to') ?? ''
  const name = claimedText(form.get('name') ?? '', longestName).trim()
  if (session === undefined || !isReturnPath(returnTo) || (recovered === undefined && name === ''))
    throw refusal('form_incomplete')
  const passkeyName = browserNameOf(message) || 'Passkey'
  const registration = await passkeys.registration({ credential: form.get('credential'), name: passkeyName }, session, {
    sub,
    purpose: purposeOf(admission),
  })
  const entrance = entranceOf({ registration, invitation, sub, name: recovered === undefined ? name : undefined })
  const event = { type: recovered === undefined ? 'account_created' : 'account_recovered', sub } as const
  const begun = await signedIn(message, { session, entrance, event: { ...event, ...toldOf(message) } }, context)
  return seeOther(returnTo, begun)
}

async function signedIn(
  message: ReceivedMessage,
  o: { readonly session: BrowserSession; readonly entrance: Entrance; readonly event: LoginEvent },
  { login, report }: AccountContext,
): Promise<readonly string[]> {
  try {
    const entering = { ...o, also: (tx: Transaction) => report.within(tx, o.event) }
    return (await login.sessions.signIn(message, entering)).cookies
  } catch (error) {
    throw asAAuthError(error)
  }
}

/** All or nothing: a link is used up only by the account that it makes. @param o.name undefined for a recovery */
function entranceOf(o: {
  readonly registration: Registration
  readonly invitation: InvitationRow | undefined
  readonly sub: string
  readonly name: string | undefined
}): Entrance {
  const { registration, invitation, sub, name } = o
  return async (tx, at) => {
    if (invitation !== undefined && !(await useInvitation(tx, invitation))) throw invitationRefusal()
    const user =
      name === undefined ? await noteReturn(tx, sub, at) : await newUser(tx, { sub, claims: { name }, now: at })
    if (user === undefined) throw invitationRefusal()
    const outcome = await addPasskey(tx, registration, { sub, now: at })
    if (outcome !== 'added') throw passkeyNotAdded(outcome)
    const what = name === undefined ? 'recovered' : 'account_created'
    return { user, provider: 'passkey', verified: at, history: [[what, registration.name]] }
  }
}

async function admit(secret: string, { store, now, login }: AccountContext): Promise<Admission> {
  if (secret === '' && login.passkeys?.accounts === 'open') return { secret }
  const invitation = secret === '' ? undefined : await findInvitation(store.db, secret, now())
  if (invitation === undefined) throw invitationRefusal()
  // Links from a time when the operator let users in by invitation.
  if (invitation.kind === 'account' && login.passkeys?.accounts === 'openid') throw invitationRefusal()
  return { invitation, secret }
}

function purposeOf({ invitation }: Admission): NewPasskeyPurpose {
  return invitation?.kind === 'recovery' ? 'recovery' : 'new-account'
}

function passkeysIn({ login }: AccountContext): PasskeyCeremonies {
  if (login.passkeys === undefined) throw invitationRefusal()
  return login.passkeys
}

function invitationRefusal(): AAuthError {
  return refusal('invitation_invalid')
}
