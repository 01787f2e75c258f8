import type { Tables } from '@countersign/auth-server/internal'
import { toldOf } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { privateResponse, refusal } from '@countersign/protocol/internal'
import type { Transaction } from '@countersign/store/internal'
import { historyOf } from '../login/history.js'
import { identitiesOf } from '../login/identities.js'
import { dataPage, deletedPage } from '../pages/data-page.js'
import { pageResponse } from '../pages/page-response.js'
import { passkeysOf } from '../passkey/passkey-store.js'
import type { AccountContext } from './account-context.js'
import { isFresh, verifyFirst } from './fresh.js'
import { dataPath } from './paths.js'
import { sessionsOf } from './sessions.js'
import { userForm } from './signed-in.js'

/** Shows a link to the user's data, and the form that deletes the account. */
export async function showData(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const { login, now } = context
  const { session, cookies } = await login.sessions.begin(message)
  const { user } = session
  if (user === undefined) return login.signIn(message, { returnTo: dataPath })
  const look = context.looks.of(message)
  const waiting = await context.questions.count(user.sub)
  const view = { csrf: session.csrf, user, fresh: isFresh(user, now()), waiting }
  return pageResponse(dataPage(view, look), { look, cookies })
}

/** Hands a user all that is stored about them, as JSON; secrets and their hashes stay. */
export async function exportData(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const { login, store, now } = context
  const session = await login.sessions.current(message)
  const user = session?.user
  if (session === undefined || user === undefined) return login.signIn(message, { returnTo: dataPath })
  const data = await dataOf(store.db, { sub: user.sub, current: session.id, now: now() })
  const response = privateResponse({ ...data, ...(await context.questions.copy(user.sub)) })
  response.headers.set('content-disposition', 'attachment; filename="account.json"')
  return response
}

async function dataOf(
  db: Transaction<Tables>,
  o: { readonly sub: string; readonly current: string; readonly now: number },
): Promise<object> {
  const { sub } = o
  const [user, passkeys, identities, sessions, history] = await Promise.all([
    db.selectFrom('auth_server_users').selectAll().where('sub', '=', sub).executeTakeFirst(),
    passkeysOf(db, sub),
    identitiesOf(db, sub),
    sessionsOf(db, o),
    historyOf(db, sub),
  ])
  return {
    sub,
    claims: jsonOf(user?.claims),
    created: timeOf(user?.created),
    last_login: timeOf(user?.last_login),
    passkeys: passkeys.map(({ name, created, last_used, backed_up }) => ({
      name,
      created: timeOf(created),
      last_used: timeOf(last_used),
      backed_up: backed_up === 1,
    })),
    accounts: identities.map(({ issuer, subject, claims, created, last_used }) => ({
      issuer,
      subject,
      claims: jsonOf(claims),
      created: timeOf(created),
      last_used: timeOf(last_used),
    })),
    sessions: sessions.map(({ name, provider, created, lastUsed }) => ({
      browser: name,
      provider,
      created: timeOf(created),
      last_used: timeOf(lastUsed),
    })),
    history: history.map(({ at, what, about, browser }) => ({ at: timeOf(at), what, about, browser })),
    ...(await accessOf(db, sub)),
  }
}

/** What the user has allowed, remembered, linked and taken back. */
async function accessOf(db: Transaction<Tables>, sub: string): Promise<object> {
  const [grants, consents, links, notices] = await Promise.all([
    db.selectFrom('auth_server_grants').selectAll().where('user_sub', '=', sub).execute(),
    db.selectFrom('auth_server_consents').selectAll().where('user_sub', '=', sub).execute(),
    db.selectFrom('auth_server_links').selectAll().where('user_sub', '=', sub).execute(),
    db.selectFrom('auth_server_notices').selectAll().where('user_sub', '=', sub).execute(),
  ])
  return {
    grants: grants.map(row => ({
      agent: row.agent,
      delegate: row.agent_delegate,
      resource: row.resource,
      scope: row.scope,
      words: jsonOf(row.words),
      purpose: row.purpose,
      claims: jsonOf(row.claims),
      purposes: row.purposes,
      conditions: jsonOf(row.conditions),
      created: timeOf(row.created),
      last_used: timeOf(row.last_used),
    })),
    remembered: consents.map(row => ({
      agent: row.agent,
      delegate: row.agent_delegate,
      resource: row.resource,
      scope: row.scope,
      words: row.words,
      created: timeOf(row.created),
      last_used: timeOf(row.last_used),
      purposes: row.purposes,
      conditions: jsonOf(row.conditions),
    })),
    linked_users: links.map(({ iss, sub: subject, created }) => ({ iss, sub: subject, created: timeOf(created) })),
    taken_back: notices.map(({ agent, agent_delegate, resource, created, outcome, ended }) => ({
      agent,
      delegate: agent_delegate,
      resource,
      at: timeOf(created),
      outcome,
      told: timeOf(ended),
    })),
  }
}

/** Deletes the account of a user who was just verified. All access ends with it, and resources are told. */
export async function deleteAccount(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const { form, user } = await userForm(message, context)
  const { login, access, report } = context
  if (!isFresh(user, context.now())) return verifyFirst(dataPath)
  if (form.get('sure') !== '1') throw refusal('form_incomplete', { about: 'the box that says you are sure' })
  const { cookies } = await login.sessions.signOut(message)
  await access.takeBack(user.sub, {}, async tx => {
    await deleteUser(tx, user.sub)
    await report.within(tx, { type: 'account_deleted', sub: user.sub, ...toldOf(message) })
    await report.forget(tx, user.sub)
  })
  const look = context.looks.of(message)
  return pageResponse(deletedPage(look), { look, cookies: [...cookies, ...login.sessions.forget()] })
}

async function deleteUser(tx: Transaction<Tables>, sub: string): Promise<void> {
  for (const table of [
    ...(['auth_server_requests', 'auth_server_consents', 'auth_server_links'] as const),
    ...(['auth_server_approvals', 'auth_server_approval_stops', 'auth_server_inboxes'] as const),
  ])
    await tx.deleteFrom(table).where('user_sub', '=', sub).execute()
  for (const table of [
    ...(['auth_server_identities', 'auth_server_passkeys', 'auth_server_invitations'] as const),
    ...(['auth_server_sessions', 'auth_server_history', 'auth_server_users'] as const),
  ])
    await tx.deleteFrom(table).where('sub', '=', sub).execute()
  // Notices still have to reach their resources; they name no user to them, and here none any more.
  await tx.updateTable('auth_server_notices').set({ user_sub: null }).where('user_sub', '=', sub).execute()
}

function jsonOf(text: string | null | undefined): unknown {
  return text === null || text === undefined ? null : JSON.parse(text)
}

function timeOf(seconds: number | null | undefined): string | null {
  return seconds === null || seconds === undefined ? null : new Date(seconds * 1000).toISOString()
}
