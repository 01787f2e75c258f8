import type { LoginEvent } from '@countersign/auth-server'
import type { HistoryEntry } from '@countersign/auth-server/internal'
import { lockUser, toldOf } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'
import { refusal, seeOther } from '@countersign/protocol/internal'
import { browserNameOf } from '../login/browser-name.js'
import { historyOf, noteHistory } from '../login/history.js'
import { identitiesOf, removeWay, type SignInWay } from '../login/identities.js'
import { claimedText } from '../pages/claimed-text.js'
import { pageResponse } from '../pages/page-response.js'
import { signInWaysPage } from '../pages/sign-in-ways-page.js'
import { addPasskey, mostPasskeys, passkeysOf } from '../passkey/passkey-store.js'
import type { AccountContext } from './account-context.js'
import { isFresh, verifyFirst } from './fresh.js'
import { waysPath } from './paths.js'
import { sessionsOf } from './sessions.js'
import { type UserForm, userForm } from './signed-in.js'

const longestName = 60

/** Shows passkeys, linked accounts, sessions and the sign-in history. */
export async function showWays(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const { login, store, now } = context
  const { session, cookies } = await login.sessions.begin(message)
  const { user } = session
  if (user === undefined) return login.signIn(message, { returnTo: waysPath })
  const fresh = isFresh(user, now())
  const owner = { sub: user.sub, purpose: 'addition', name: user.claims.name ?? user.claims.email ?? user.sub } as const
  const [passkeys, identities, sessions, history] = await Promise.all([
    passkeysOf(store.db, user.sub),
    identitiesOf(store.db, user.sub),
    sessionsOf(store.db, { sub: user.sub, current: session.id, now: now() }),
    historyOf(store.db, user.sub),
  ])
  const look = context.looks.of(message)
  const view = {
    csrf: session.csrf,
    user,
    waiting: await context.questions.count(user.sub),
    passkeys: login.passkeys && passkeys,
    mostPasskeys,
    addition: fresh && login.passkeys ? await login.passkeys.creationOptions(session, owner) : undefined,
    suggestedName: browserNameOf(message) || 'Passkey',
    identities: identities.map(row => ({ ...row, name: nameOf(row.provider, context) })),
    linkable: login.providers.map(({ id, name }) => ({ id, name })),
    sessions: sessions.map(row => ({
      ...row,
      by: row.provider === 'passkey' ? undefined : nameOf(row.provider, context),
    })),
    history,
    fresh,
  }
  return pageResponse(signInWaysPage(view, look), { look, cookies, leadsTo: 'anywhere', script: 'passkey' })
}

function nameOf(id: string, { login }: AccountContext): string {
  return login.providers.find(provider => provider.id === id)?.name ?? id
}

/** Adds a passkey to the user who is signed in. */
export async function addPasskeyTo(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const { form, session, user } = await userForm(message, context)
  const { login, store, now } = context
  // Another person at an unlocked screen could add a passkey of their own.
  if (!isFresh(user, now())) return verifyFirst(waysPath)
  if (login.passkeys === undefined) throw noSuchWay()
  const name = claimedText(form.get('name') ?? '', longestName) || browserNameOf(message) || 'Passkey'
  const registration = await login.passkeys.registration({ credential: form.get('credential'), name }, session, {
    sub: user.sub,
    purpose: 'addition',
  })
  const at = now()
  const outcome = await store.write(async tx => {
    if (!(await lockUser(tx, user.sub))) return 'gone'
    const added = await addPasskey(tx, registration, { sub: user.sub, now: at })
    if (added !== 'added') return added
    await noteHistory(tx, lineOf(message, { user, at, what: 'passkey_added', about: name }))
    await context.report.within(tx, { type: 'passkey_added', sub: user.sub, ...toldOf(message) })
    return added
  })
  if (outcome !== 'added') throw passkeyNotAdded(outcome)
  return seeOther(waysPath, [])
}

/** Begins to link an account at a provider. */
export async function linkProvider(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const { form, user } = await userForm(message, context)
  if (!isFresh(user, context.now())) return verifyFirst(waysPath)
  const provider = context.login.providers.find(({ id }) => id === form.get('provider'))
  if (provider === undefined) throw noSuchWay()
  return context.login.link(message, { provider, returnTo: waysPath })
}

/** Removes a passkey or a linked account, but not the last one. */
export async function removeWayOf(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const { form, user } = await userForm(message, context)
  const { store, now, login, report } = context
  if (!isFresh(user, now())) return verifyFirst(waysPath)
  const way = wayIn(form)
  const at = now()
  const removed = await store.write(async tx => {
    const outcome = await removeWay(tx, way, { sub: user.sub, methods: login.methods })
    if (typeof outcome === 'object') {
      const what = 'passkey' in way ? 'passkey_removed' : 'provider_unlinked'
      await noteHistory(tx, lineOf(message, { user, at, what, about: nameOf(outcome.name, context) }))
      await report.within(tx, removalEvent(message, { user, way, name: outcome.name }))
    }
    return outcome
  })
  if (removed === 'unknown') throw noSuchWay()
  if (removed === 'last') throw refusal('sign_in_way_last')
  return seeOther(waysPath, [])
}

function wayIn(form: ReadonlyMap<string, string>): SignInWay {
  const [passkey, issuer, subject] = [form.get('passkey'), form.get('issuer'), form.get('subject')]
  if (passkey !== undefined) return { passkey }
  if (issuer === undefined || subject === undefined) throw noSuchWay()
  return { issuer, subject }
}

function removalEvent(
  message: ReceivedMessage,
  { user, way, name }: { readonly user: UserForm['user']; readonly way: SignInWay; readonly name: string },
): LoginEvent {
  const told = { sub: user.sub, ...toldOf(message) }
  return 'passkey' in way
    ? { type: 'passkey_removed', ...told }
    : { type: 'provider_unlinked', provider: name, ...told }
}

function lineOf(
  message: ReceivedMessage,
  o: { readonly user: UserForm['user']; readonly at: number; readonly what: HistoryEntry; readonly about: string },
): Parameters<typeof noteHistory>[1] {
  const { user, at, what, about } = o
  return { sub: user.sub, at, what, about, browser: browserNameOf(message) }
}

/** The refusal of a new passkey. */
export function passkeyNotAdded(outcome: 'repeated' | 'taken' | 'full' | 'gone'): AAuthError {
  const about = outcome === 'full' && 'an account with all passkeys that it may have'
  return refusal('passkey_invalid', { about, cause: { fault: outcome } })
}

function noSuchWay(): AAuthError {
  return refusal('form_incomplete')
}
