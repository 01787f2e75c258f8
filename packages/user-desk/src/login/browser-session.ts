import { createHmac, randomBytes } from 'node:crypto'
import type { Also } from '@countersign/audit/internal'
import type { LoginTables, SessionRow, UserRow } from '@countersign/auth-server/internal'
import {
  claimsOf,
  sessionIdle,
  sessionLife,
  sha256,
  sweepAtMost,
  sweepSessions,
} from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import type { Cookies } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import { browserNameOf } from './browser-name.js'
import type { BrowserSession, Entering } from './entrance.js'
import { noteHistory } from './history.js'
import { type SeenSessions, seenSessions } from './seen-sessions.js'

/** Seconds between two notes of a use, so that most page views write nothing. */
const noteEvery = 60
/** Browsers of one user; beyond that, the one unused for longest is signed out. */
const mostPerUser = 20
const secretForm = /^[A-Za-z0-9_-]{43}$/

/** A session and the `Set-Cookie` values that its first answer must carry. */
export interface BegunSession {
  readonly session: BrowserSession
  readonly cookies: readonly string[]
}

/** Users whom the operator has blocked. */
export interface BlockedUsers {
  /** Sessions of such a user are worth nothing. */
  isUserBlocked(sub: string): Promise<boolean>
  /** Refuses their sign-in, in its transaction. */
  checkSignIn(tx: Transaction<LoginTables>, sub: string): Promise<void>
}

/** Tells browsers apart. */
export interface BrowserSessions {
  /** The session of the browser that sent the message; a new, anonymous one when it has none, which is not stored. */
  begin(message: ReceivedMessage): Promise<BegunSession>
  /**
   * The user who is signed in, as this instance saw at an earlier request, without a look into the database: for counting only, since
   * the session may have ended elsewhere.
   */
  knownUser(message: ReceivedMessage): string | undefined
  /** The session of the browser that sent the message. */
  current(message: ReceivedMessage): Promise<BrowserSession | undefined>
}

/** {@link BrowserSessions}, and what changes them. */
export interface ManagedSessions extends BrowserSessions {
  /** Signs a user in; the browser's session of before ends. */
  signIn(message: ReceivedMessage, entering: Entering): Promise<BegunSession>
  /** Notes that the user of the session was verified just now; `check` runs in the same transaction. */
  verify(message: ReceivedMessage, check: (tx: Transaction<LoginTables>, at: number) => Promise<void>): Promise<void>
  /** Notes that the user of the session links an account at a provider, by a sign-in with this state. */
  expectLink(message: ReceivedMessage, state: string): Promise<void>
  /** Whether the user began that link in this session; it counts once. */
  takeLink(message: ReceivedMessage, state: string): Promise<boolean>
  /** Ends the session. The browser keeps its id, so that another user can go on with a request it has claimed. */
  signOut(message: ReceivedMessage, also?: Also): Promise<{ readonly cookies: readonly string[] }>
  /** `Set-Cookie` values that take its id from the browser, and with it all requests that it has claimed. */
  forget(): readonly string[]
}

/** What sessions are kept in. */
interface SessionContext {
  readonly store: Store<LoginTables>
  readonly cookies: Cookies
  readonly now: () => number
  /** Whether the browser is still signed in where the session began, at a provider that can tell. */
  readonly isSignedInThere: (
    session: Pick<SessionRow, 'sub' | 'provider'>,
    message: ReceivedMessage,
  ) => Promise<boolean>
  readonly blocked: BlockedUsers
  readonly seen: SeenSessions
}

/**
 * The browser's own cookie is a random secret that is not stored, so strangers cannot fill a table; its hash is the browser's
 * id. A second cookie, made at sign-in and bound to that id, stands for the user.
 */
export function browserSessions(parts: Omit<SessionContext, 'seen'>): ManagedSessions {
  const o: SessionContext = { ...parts, seen: seenSessions() }
  const { store, cookies, now } = o
  return {
    knownUser(message) {
      const [secret, browser] = ['session', 'browser'].map(name => secretIn(cookies.read(message, name)))
      return secret && browser && o.seen.userOf(sha256(secret), sha256(browser))
    },
    current: message => currentSession(o, message),
    begin: message => beginSession(o, message),

    signIn: (message, entering) => signIn(o, message, entering),

    async verify(message, check) {
      const secret = secretIn(cookies.read(message, 'session'))
      if (secret === undefined) return
      const at = now()
      await store.write(async tx => {
        await check(tx, at)
        await tx
          .updateTable('auth_server_sessions')
          .set({ verified: at })
          .where('secret_hash', '=', sha256(secret))
          .execute()
      })
    },

    async expectLink(message, state) {
      const secret = secretIn(cookies.read(message, 'session'))
      if (secret !== undefined) await setLink(store, sha256(secret), { from: undefined, to: sha256(state) })
    },

    async takeLink(message, state) {
      const secret = secretIn(cookies.read(message, 'session'))
      return secret !== undefined && (await setLink(store, sha256(secret), { from: sha256(state), to: '' }))
    },

    async signOut(message, also) {
      const secret = secretIn(cookies.read(message, 'session'))
      if (secret !== undefined) {
        o.seen.forget(sha256(secret))
        await store.write(async tx => {
          await endSession(tx, sha256(secret))
          await also?.(tx)
        })
      }
      return { cookies: [cookies.clear('session')] }
    },

    forget: () => [cookies.clear('browser')],
  }
}

/** @see ManagedSessions.signIn */
async function signIn(
  { store, cookies, now, blocked, seen }: SessionContext,
  message: ReceivedMessage,
  { session: { id }, entrance, also }: Entering,
): Promise<BegunSession> {
  const secret = newSecret()
  const started = { browser: id, secret_hash: sha256(secret), name: browserNameOf(message) }
  const at = now()
  const { user, provider, verified } = await store.write(async tx => {
    await sweepSessions(tx, at)
    const entered = await entrance(tx, at)
    const { sub } = entered.user
    // Only now that the user has proven who they are: others must not learn who is blocked.
    await blocked.checkSignIn(tx, sub)
    const times = { created: at, last_used: at, verified: entered.verified }
    await replaceSession(tx, { ...started, ...times, link: '', sub, provider: entered.provider })
    for (const [what, about] of entered.history) await noteHistory(tx, { sub, at, what, about, browser: started.name })
    await also?.(tx, entered)
    return entered
  })
  seen.note(started.secret_hash, { browser: id, sub: user.sub })
  const session = { id, csrf: csrfOf(secret), user: { ...user, provider, verified } }
  return { session, cookies: [cookies.write('session', secret)] }
}

async function currentSession(context: SessionContext, message: ReceivedMessage): Promise<BrowserSession | undefined> {
  const { store, cookies, now, blocked } = context
  const browser = secretIn(cookies.read(message, 'browser'))
  if (browser === undefined) return undefined
  const id = sha256(browser)
  const secret = secretIn(cookies.read(message, 'session'))
  const row = secret === undefined ? undefined : await findLive(store, secret, { browser: id, now: now() })
  if (secret === undefined || row === undefined || (await blocked.isUserBlocked(row.sub))) {
    if (secret !== undefined) context.seen.forget(sha256(secret))
    return { id, csrf: csrfOf(browser) }
  }
  if (!(await context.isSignedInThere(row, message))) {
    context.seen.forget(row.secret_hash)
    await store.write(tx => endSession(tx, row.secret_hash))
    return { id, csrf: csrfOf(browser) }
  }
  context.seen.note(row.secret_hash, { browser: id, sub: row.sub })
  if (row.last_used + noteEvery <= now()) await noteUse(store, row, now())
  const { sub, provider, verified } = row
  const user = { sub, claims: claimsOf(row.claims), provider, verified }
  return { id, csrf: csrfOf(secret), user }
}

async function beginSession(context: SessionContext, message: ReceivedMessage): Promise<BegunSession> {
  const session = await currentSession(context, message)
  if (session !== undefined) return { session, cookies: [] }
  const secret = newSecret()
  return { session: { id: sha256(secret), csrf: csrfOf(secret) }, cookies: [context.cookies.write('browser', secret)] }
}

type LiveRow = SessionRow & Pick<UserRow, 'claims'>

async function findLive(
  store: Store<LoginTables>,
  secret: string,
  { browser, now }: { readonly browser: string; readonly now: number },
): Promise<LiveRow | undefined> {
  return store.db
    .selectFrom('auth_server_sessions as session')
    .innerJoin('auth_server_users as user', 'user.sub', 'session.sub')
    .selectAll('session')
    .select('user.claims')
    .where('session.secret_hash', '=', sha256(secret))
    .where('session.browser', '=', browser)
    .where('session.last_used', '>', now - sessionIdle)
    .where('session.created', '>', now - sessionLife)
    .executeTakeFirst()
}

/** @param o.from what it must be so far; undefined for anything */
async function setLink(
  store: Store<LoginTables>,
  secret_hash: string,
  { from, to }: { readonly from: string | undefined; readonly to: string },
): Promise<boolean> {
  const { numUpdatedRows } = await store.write(tx => {
    const session = tx.updateTable('auth_server_sessions').set({ link: to }).where('secret_hash', '=', secret_hash)
    return (from === undefined ? session : session.where('link', '=', from)).executeTakeFirstOrThrow()
  })
  return numUpdatedRows > 0n
}

/** Session fixation: a cookie from before the sign-in is signed in no longer, even if an attacker knows it. */
async function replaceSession(tx: Transaction<LoginTables>, row: SessionRow): Promise<void> {
  await tx.deleteFrom('auth_server_sessions').where('browser', '=', row.browser).execute()
  await tx.insertInto('auth_server_sessions').values(row).execute()
  await endOldest(tx, row.sub)
}

async function endSession(tx: Transaction<LoginTables>, secret_hash: string): Promise<void> {
  await tx.deleteFrom('auth_server_sessions').where('secret_hash', '=', secret_hash).execute()
}

async function noteUse(store: Store<LoginTables>, { secret_hash }: SessionRow, now: number): Promise<void> {
  await store.write(tx =>
    tx.updateTable('auth_server_sessions').set({ last_used: now }).where('secret_hash', '=', secret_hash).execute(),
  )
}

async function endOldest(tx: Transaction<LoginTables>, sub: string): Promise<void> {
  const surplus = tx
    .selectFrom('auth_server_sessions')
    .select('secret_hash')
    .where('sub', '=', sub)
    .orderBy('last_used', 'desc')
    .orderBy('created', 'desc')
    .limit(sweepAtMost)
    .offset(mostPerUser)
  await tx.deleteFrom('auth_server_sessions').where('secret_hash', 'in', surplus).execute()
}

function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** Ignores a cookie that this server cannot have set: a short one could be guessed. */
function secretIn(cookie: string | undefined): string | undefined {
  return cookie !== undefined && secretForm.test(cookie) ? cookie : undefined
}

function csrfOf(secret: string): string {
  return createHmac('sha256', secret).update('csrf').digest('base64url')
}
