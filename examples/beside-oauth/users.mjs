// The application's own users and sessions: one table of users and one sign-in page, for OAuth and for AAuth.
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'

const salt = randomBytes(16)
const hashOf = password => scryptSync(password, salt, 32)

// A real application has these in its database.
const users = new Map([
  ['ada', { id: '17', name: 'Ada Lovelace', password: hashOf('analytical') }],
  ['grace', { id: '18', name: 'Grace Hopper', password: hashOf('compiler') }],
])
const sessions = new Map()

/** The secret of a session, from the value of a `Cookie` header; empty where there is none. */
const secretIn = cookie => /(?:^|; )app=([\w-]{43})(?:;|$)/.exec(cookie)?.[1] ?? ''

/** The user whose session cookie a request has; `cookie` is the value of its `Cookie` header. */
export function userOf(cookie = '') {
  return sessions.get(secretIn(cookie))
}

/** The `Set-Cookie` value of a new session, or undefined for a wrong password. */
export function signIn(name, password) {
  const user = users.get(name)
  const isRight = timingSafeEqual(hashOf(password), user?.password ?? Buffer.alloc(32))
  if (user === undefined || !isRight) return undefined
  const secret = randomBytes(32).toString('base64url')
  sessions.set(secret, user)
  return `app=${secret}; Path=/; HttpOnly; SameSite=Lax`
}

/** Ends the session of a request; the `Set-Cookie` value that takes the cookie away. */
export function signOut(cookie = '') {
  sessions.delete(secretIn(cookie))
  return 'app=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0'
}
