import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { ReceivedMessage } from '@countersign/httpsig'
import type { Cookies } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { sweepAtMost } from '../bound/sweep.js'
import type { UpstreamAccount } from './login-method.js'
import type { LoginTables, SessionRow, UserRow } from './login-tables.js'
import { claimsOf, newSub, noteLogin, type User } from './users.js'

/** Seconds without use after which a user must sign in again. */
const idle = 3600
/** Seconds after which a user must sign in again, whatever they did. */
const longest = 12 * 3600
/** Seconds between two notes of a use, so that most page views write nothing. */
const noteEvery = 60
/** Browsers of one user; beyond that, the one unused for longest is signed out. */
const mostPerUser = 20
/** Seconds for which a browser keeps the requests it opened under a cookie that it has lost since. */
const openedFor = 600
/** Such requests of one browser: its cookies must fit into the headers of its requests. */
const mostOpened = 8
const secretForm = /^[A-Za-z0-9_-]{43}$/

/** The user of a session. */
export interface SessionUser extends User {
  /** The id of the login method. */
  readonly provider: string
}

/** One browser, and who is signed in with it. */
export interface BrowserSession {
  /** Names the browser, before and after a sign-in or a change of user. Requests are claimed under it. No secret. */
  readonly id: string
  /** Every form must send it back; it changes at each sign-in. */
  readonly csrf: string
  readonly user?: SessionUser
}

/** A session and the `Set-Cookie` values that its first answer must carry. */
export interface BegunSession {
  readonly session: BrowserSession
  readonly cookies: readonly string[]
}

/** Tells browsers apart. */
export interface BrowserSessions {
  /** The session of the browser that sent the message; a new, anonymous one when it has none, which is not stored. */
  begin(message: ReceivedMessage): Promise<BegunSession>
  /** The session of the browser that sent the message. */
  current(message: ReceivedMessage): Promise<BrowserSession | undefined>
  /**
   * As `begin`, for a browser that opens a request by a link. Two links opened at once set two cookies, of which the browser
   * keeps one; each is set once more under the name of the request it opened.
   */
  open(message: ReceivedMessage, what: string): Promise<BegunSession>
  /** The browser's id when it opened that request, where it had none before. */
  openedAs(message: ReceivedMessage, what: string): string | undefined
}

/** {@link BrowserSessions}, and what changes them. */
export interface ManagedSessions extends BrowserSessions {
  /** Signs a user in; the browser's session of before ends. */
  signIn(session: BrowserSession, account: UpstreamAccount, provider: string): Promise<BegunSession>
  /** Ends the session. The browser keeps its id, so that another user can go on with a request it has claimed. */
  signOut(message: ReceivedMessage): Promise<{ readonly cookies: readonly string[] }>
  /** `Set-Cookie` values that take its id from the browser, and with it all requests that it has claimed. */
  forget(message: ReceivedMessage): readonly string[]
}

/** What sessions are kept in. */
interface SessionContext {
  readonly store: Store<LoginTables>
  readonly cookies: Cookies
  readonly now: () => number
}

/**
 * The browser's own cookie is a random secret that is not stored, so strangers cannot fill a table; its hash is the browser's
 * id. A second cookie, made at sign-in and bound to that id, stands for the user.
 */
export function browserSessions(o: SessionContext): ManagedSessions {
  const { store, cookies, now } = o
  return {
    current: message => currentSession(o, message),
    begin: message => beginSession(o, message),
    open: (message, what) => beginSession(o, message, what),

    openedAs(message, what) {
      const secret = secretIn(cookies.read(message, openedName(what)))
      return secret === undefined ? undefined : hashOf(secret)
    },

    async signIn({ id }, account, provider) {
      const secret = newSecret()
      const started = { browser: id, secret_hash: hashOf(secret), provider }
      const [newUser, at] = [newSub(), now()]
      const user = await store.write(async tx => {
        await sweepSessions(tx, at)
        const known = await noteLogin(tx, account, { sub: newUser, now: at })
        await replaceSession(tx, { ...started, sub: known.sub, created: at, last_used: at })
        return known
      })
      const session = { id, csrf: csrfOf(secret), user: { ...user, provider } }
      return { session, cookies: [cookies.write('session', secret)] }
    },

    async signOut(message) {
      const secret = secretIn(cookies.read(message, 'session'))
      if (secret !== undefined) await store.write(tx => endSession(tx, hashOf(secret)))
      return { cookies: [cookies.clear('session')] }
    },

    forget: message => [
      cookies.clear('browser'),
      ...[...cookies.readAll(message, opened).keys()].map(what => cookies.clear(opened + what)),
    ],
  }
}

async function currentSession(
  { store, cookies, now }: SessionContext,
  message: ReceivedMessage,
): Promise<BrowserSession | undefined> {
  const browser = secretIn(cookies.read(message, 'browser'))
  if (browser === undefined) return undefined
  const id = hashOf(browser)
  const secret = secretIn(cookies.read(message, 'session'))
  const row = secret === undefined ? undefined : await findLive(store, secret, { browser: id, now: now() })
  if (secret === undefined || row === undefined) return { id, csrf: csrfOf(browser) }
  if (row.last_used + noteEvery <= now()) await noteUse(store, row, now())
  const user = { sub: row.sub, claims: claimsOf(row.claims), provider: row.provider }
  return { id, csrf: csrfOf(secret), user }
}

/** @param what is opened by a link, where the browser comes by one */
async function beginSession(context: SessionContext, message: ReceivedMessage, what?: string): Promise<BegunSession> {
  const { cookies } = context
  const session = await currentSession(context, message)
  const isNew = session === undefined && what !== undefined
  // Browsers send the oldest cookies first.
  const surplus = [...cookies.readAll(message, opened).keys()].slice(0, isNew ? 1 - mostOpened : -mostOpened)
  const ended = surplus.map(each => cookies.clear(opened + each))
  if (session !== undefined) return { session, cookies: ended }
  const secret = newSecret()
  const kept = what === undefined ? [] : [cookies.write(openedName(what), secret, openedFor)]
  return {
    session: { id: hashOf(secret), csrf: csrfOf(secret) },
    // `kept` comes last: of a link that is opened again, the new cookie stays.
    cookies: [cookies.write('browser', secret), ...ended, ...kept],
  }
}

type Transaction = Store<LoginTables>['db']
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
    .where('session.secret_hash', '=', hashOf(secret))
    .where('session.browser', '=', browser)
    .where('session.last_used', '>', now - idle)
    .where('session.created', '>', now - longest)
    .executeTakeFirst()
}

/** Session fixation: a cookie from before the sign-in is signed in no longer, even if an attacker knows it. */
async function replaceSession(tx: Transaction, row: SessionRow): Promise<void> {
  await tx.deleteFrom('auth_server_sessions').where('browser', '=', row.browser).execute()
  await tx.insertInto('auth_server_sessions').values(row).execute()
  await endOldest(tx, row.sub)
}

async function endSession(tx: Transaction, secret_hash: string): Promise<void> {
  await tx.deleteFrom('auth_server_sessions').where('secret_hash', '=', secret_hash).execute()
}

async function noteUse(store: Store<LoginTables>, { secret_hash }: SessionRow, now: number): Promise<void> {
  await store.write(tx =>
    tx.updateTable('auth_server_sessions').set({ last_used: now }).where('secret_hash', '=', secret_hash).execute(),
  )
}

async function endOldest(tx: Transaction, sub: string): Promise<void> {
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

/** Deletes a few of those that have ended; resolves with how many. */
export async function sweepSessions(tx: Transaction, now: number): Promise<number> {
  const ended = tx
    .selectFrom('auth_server_sessions')
    .select('secret_hash')
    .where(({ or, eb }) => or([eb('last_used', '<=', now - idle), eb('created', '<=', now - longest)]))
    .limit(sweepAtMost)
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_sessions')
    .where('secret_hash', 'in', ended)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

const opened = 'opened-'

/** Short, because browsers send it with every request. Should two requests share it, the later one's cookie stays. */
function openedName(what: string): string {
  return opened + what.slice(0, 8)
}

function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** Ignores a cookie that this server cannot have set: a short one could be guessed. */
function secretIn(cookie: string | undefined): string | undefined {
  return cookie !== undefined && secretForm.test(cookie) ? cookie : undefined
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

function csrfOf(secret: string): string {
  return createHmac('sha256', secret).update('csrf').digest('base64url')
}
