import type { ReceivedMessage } from '@countersign/httpsig'
import { type Cookies, parseJson } from '@countersign/protocol'
import { isReturnPath } from './return-path.js'

/** A browser that was sent to a provider and is not back yet. */
export interface LoginAttempt {
  readonly provider: string
  readonly state: string
  readonly returnTo: string
  /** Unix seconds. */
  readonly began: number
  /** What the provider wants to know when the browser is back. */
  readonly saved: Readonly<Record<string, string>>
}

/** Seconds a user may take at the provider. */
const lifetime = 600
/** Characters of the cookie: browsers drop one over 4096 bytes. */
const longest = 3500

/**
 * Attempts live in the browser's own cookie, for several tabs at once: a stranger who begins a million of them fills nothing
 * of ours, and a restart ends none.
 */
export interface LoginAttempts {
  /** The `Set-Cookie` value that adds an attempt; those before it fall off, oldest first, where there is no room. */
  add(message: ReceivedMessage, attempt: LoginAttempt): string
  /** The attempt with this state. */
  find(message: ReceivedMessage, o: { readonly provider: string; readonly state: string }): LoginAttempt | undefined
  /** The `Set-Cookie` value that forgets it: a state is good once. */
  remove(message: ReceivedMessage, state: string): string
}

/** Reads and writes the cookie. */
export function loginAttempts(cookies: Cookies, now: () => number): LoginAttempts {
  const all = (message: ReceivedMessage): LoginAttempt[] =>
    decode(cookies.read(message, 'login')).filter(({ began }) => began <= now() && began + lifetime > now())
  const write = (attempts: readonly LoginAttempt[]): string =>
    attempts.length === 0 ? cookies.clear('login') : cookies.write('login', encodeFitting(attempts), lifetime)
  return {
    add: (message, attempt) => write([attempt, ...all(message)]),
    find: (message, { provider, state }) =>
      all(message).find(attempt => attempt.state === state && attempt.provider === provider),
    remove: (message, state) => write(all(message).filter(attempt => attempt.state !== state)),
  }
}

function encodeFitting(attempts: readonly LoginAttempt[]): string {
  const text = Buffer.from(JSON.stringify(attempts)).toString('base64url')
  return text.length > longest && attempts.length > 1 ? encodeFitting(attempts.slice(0, -1)) : text
}

function decode(cookie: string | undefined): LoginAttempt[] {
  if (cookie === undefined || cookie.length > longest * 2) return []
  try {
    const list: unknown = parseJson(Buffer.from(cookie, 'base64url').toString('utf8'))
    return Array.isArray(list) ? list.filter(isAttempt) : []
  } catch {
    return []
  }
}

function isAttempt(value: unknown): value is LoginAttempt {
  if (typeof value !== 'object' || value === null) return false
  const { provider, state, returnTo, began, saved } = value as Partial<Record<keyof LoginAttempt, unknown>>
  if (typeof provider !== 'string' || typeof state !== 'string' || typeof began !== 'number') return false
  if (typeof returnTo !== 'string' || !isReturnPath(returnTo)) return false
  return typeof saved === 'object' && saved !== null && Object.values(saved).every(text => typeof text === 'string')
}
